"""Impossible settings stop a process before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from clientsphere_common.settings import PlatformSettings


class TestPlatformSettings:
    def test_reads_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTSPHERE_LOG_LEVEL", "debug")
        assert PlatformSettings().log_level == "debug"

    def test_keeps_data_in_the_home_folder_unless_told_otherwise(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CLIENTSPHERE_DATA_DIR", raising=False)
        assert PlatformSettings().data_dir == Path.home() / ".clientsphere"

    def test_a_relative_folder_does_not_move_with_the_working_directory(self) -> None:
        assert PlatformSettings(data_dir=Path("data")).data_dir == Path.cwd() / "data"

    def test_refuses_a_level_that_does_not_exist(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTSPHERE_LOG_LEVEL", "loud")
        with pytest.raises(ValidationError, match="log_level"):
            PlatformSettings()

    def test_cannot_be_changed_later(self) -> None:
        settings = PlatformSettings()
        with pytest.raises(ValidationError, match="frozen"):
            settings.log_level = "debug"
