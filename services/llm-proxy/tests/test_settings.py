"""Settings come from the environment and stop the process when they make no sense."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from llm_proxy.settings import LlmProxySettings

PREFIX = "CLIENTSPHERE_LLM_PROXY_"


class TestLlmProxySettings:
    def test_need_nothing_set(self) -> None:
        settings = LlmProxySettings()
        assert settings.completion_base_url == ""
        assert settings.embedding_base_url == ""

    def test_read_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"{PREFIX}COMPLETION_BASE_URL", "http://localhost:8000/v1")
        monkeypatch.setenv(f"{PREFIX}COMPLETION_MODEL", "small")
        assert LlmProxySettings().completion_model == "small"

    @pytest.mark.parametrize(
        "given",
        [
            {"completion_base_url": "http://localhost/v1"},
            {"completion_model": "small"},
            {"embedding_base_url": "http://localhost/v1", "embedding_model": "small"},
            {"completion_base_url": "localhost/v1", "completion_model": "small"},
        ],
    )
    def test_refuse_an_api_that_is_only_half_described(self, given: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            LlmProxySettings.model_validate(given)

    def test_explain_themselves(self) -> None:
        assert all(field.description for field in LlmProxySettings.model_fields.values())
