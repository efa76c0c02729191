"""Settings alone choose the passage index."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.readiness import ask_all
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.secrets.assembly import embedded_secrets
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.settings import SecretsSettings
from clientsphere_common.vectors.assembly import open_index
from clientsphere_common.vectors.settings import QdrantSettings
from tests.contract.passage_chunks import DIMENSION, chunks
from tests.harness.modules import running
from tests.harness.ports import free_port
from tests.harness.qdrant_server import qdrant_server


def secrets_in(folder: Path, **values: str) -> PolledSecrets:
    environment = {f"CLIENTSPHERE_{name.upper()}": value for name, value in values.items()}
    return embedded_secrets(SecretsSettings(), environment, folder).secrets


class TestOpenIndex:
    async def test_without_an_address_it_is_in_the_data_folder(self, tmp_path: Path) -> None:
        opened = await open_index(QdrantSettings(), DIMENSION, tmp_path, secrets_in(tmp_path))
        async with running(*opened.modules):
            await opened.use.add("acme", chunks(3))
            assert (await ask_all(opened.checks)).state == "ok"
        assert (tmp_path / "vectors" / "index.json").exists()

    async def test_with_an_address_it_is_on_the_server(self, tmp_path: Path) -> None:
        async with qdrant_server(tmp_path / "server") as server:
            settings = QdrantSettings(url=server.url)
            opened = await open_index(settings, DIMENSION, tmp_path, secrets_in(tmp_path))
            async with running(*opened.modules):
                await opened.use.add("acme", chunks(3))
                assert await opened.use.count("acme") == 3
                assert (await ask_all(opened.checks)).state == "ok"
        assert not (tmp_path / "vectors").exists()

    async def test_the_key_of_the_server_is_a_secret(self, tmp_path: Path) -> None:
        async with qdrant_server(tmp_path / "server", api_key="right") as server:
            settings = QdrantSettings(url=server.url)
            secrets = secrets_in(tmp_path, qdrant_api_key="right")
            opened = await open_index(settings, DIMENSION, tmp_path, secrets)
            with pytest.warns(UserWarning, match="insecure connection"):
                async with running(*opened.modules):
                    assert await opened.use.count("acme") == 0

    async def test_it_starts_without_its_server_and_says_so(self, tmp_path: Path) -> None:
        settings = QdrantSettings(url=f"http://127.0.0.1:{free_port()}")
        opened = await open_index(settings, DIMENSION, tmp_path, secrets_in(tmp_path))
        async with running(*opened.modules):
            report = await ask_all(opened.checks)
        assert report.state == "failing"
        assert [finding.name for finding in report.findings] == ["passage index"]

    async def test_its_breaker_can_be_watched(self, tmp_path: Path) -> None:
        registry = CollectorRegistry()
        settings = QdrantSettings(url="http://127.0.0.1:1")
        secrets = secrets_in(tmp_path)
        await open_index(settings, DIMENSION, tmp_path, secrets, CallMetrics(registry))
        watched = {"dependency": "passage index"}
        assert registry.get_sample_value("clientsphere_breaker_state", watched) == 0
