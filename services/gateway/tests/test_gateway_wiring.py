"""The gateway put together as a process does it, behind its own HTTP server."""

from __future__ import annotations

import json
import ssl
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.db.assembly import sqlite_tables
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.readiness import Check
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.channels import open_channel
from clientsphere_common.secrets.assembly import embedded_secrets
from clientsphere_common.secrets.settings import SecretsSettings
from gateway.own_secrets import MAKERS, open_own_secrets
from gateway.settings import GatewaySettings
from gateway.webhooks.settings import WebhookSettings
from gateway.wiring import MIGRATIONS, GatewayParts, ServiceChannels, Surroundings, build
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.certificates import make_authority
from tests.harness.modules import running


@dataclass
class Process:
    parts: GatewayParts
    data_dir: Path
    publisher: FakeEventPublisher

    @property
    def credentials(self) -> dict[str, str]:
        credentials: dict[str, str] = json.loads((self.data_dir / "credentials.json").read_text())
        return credentials

    def client(self, credential: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {credential}"}
        return httpx.AsyncClient(base_url=self.parts.http.url, headers=headers)

    def owner(self) -> httpx.AsyncClient:
        return self.client(self.credentials["api_key"])


@asynccontextmanager
async def process(
    data_dir: Path,
    settings: GatewaySettings,
    checks: Sequence[Check] = (),
    *,
    serves_metrics: bool = True,
) -> AsyncIterator[Process]:
    """The other services are addresses where nobody answers."""
    channel = open_channel(f"unix:{data_dir}/nobody.sock")
    publisher = FakeEventPublisher()
    opened = embedded_secrets(SecretsSettings(), {}, data_dir, MAKERS)
    secrets = opened.secrets
    around = Surroundings(
        secrets=await open_own_secrets(secrets, settings.token_lifetime_s),
        secret_store=secrets,
        tables=sqlite_tables("gateway", MIGRATIONS, data_dir),
        channels=ServiceChannels(channel, channel, channel, channel),
        calls=OutgoingCalls(CallerSigner("gateway", Ed25519PrivateKey.generate())),
        publisher=publisher,
        events=publisher,
        envelope_keys=opened.envelope_keys,
        rate_limiter=InProcessRateLimiter(),
        registry=CollectorRegistry(),
        webhooks=WebhookSettings(),
        checks=checks,
        credentials_file=data_dir / "credentials.json",
        serves_metrics=serves_metrics,
    )
    parts = build(settings, around)
    async with channel, running(*parts.modules, *parts.workers):
        yield Process(parts, data_dir, publisher)


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(port=0, call_timeout_s=0.5)


class TestBuild:
    async def test_the_first_start_lets_the_owner_in(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings) as one:
            assert one.credentials["url"] == one.parts.http.url
            async with one.client(one.credentials["api_key"]) as client:
                me = (await client.get("/v1/me")).json()
        assert me["tenant"] == {"id": one.credentials["tenant_id"], "name": "default"}
        assert me["roles"] == ["owner"]

    async def test_keys_and_tokens_survive_a_restart(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings) as one:
            key = one.credentials["api_key"]
            async with one.client(key) as client:
                body = {"grant_type": "api_key", "api_key": key}
                token = (await client.post("/v1/tokens", json=body)).json()["access_token"]
        async with process(tmp_path, settings) as two:
            assert two.credentials["api_key"] == key
            for credential in (key, token):
                async with two.client(credential) as client:
                    assert (await client.get("/v1/me")).status_code == 200

    async def test_the_operators_key_is_in_its_file(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings) as one:
            operator_key = (tmp_path / "secrets" / "gateway-operator-key").read_text().strip()
            async with one.client(operator_key) as client:
                response = await client.post("/v1/tenants", json={"name": "Quaymere"})
        assert response.status_code == 201

    async def test_secrets_are_for_their_owner_only(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings):
            secrets = list((tmp_path / "secrets").iterdir())
            assert len(secrets) == 3
            for file in [*secrets, tmp_path / "credentials.json"]:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file

    async def test_metrics_are_told_here_unless_there_is_a_port_for_them(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        for serves_metrics, status in ((True, 200), (False, 404)):
            async with AsyncExitStack() as stack:
                started = process(tmp_path, settings, serves_metrics=serves_metrics)
                client = (await stack.enter_async_context(started)).owner()
                await stack.enter_async_context(client)
                assert (await client.get("/metrics")).status_code == status
                assert (await client.get("/health/live")).status_code == 200

    async def test_serves_https_when_it_has_a_certificate(self, tmp_path: Path) -> None:
        authority = make_authority(tmp_path / "ca")
        files = authority.issue("gateway")
        settings = GatewaySettings(
            port=0, tls_cert_file=files.certificate, tls_key_file=files.key, hsts_max_age_s=60
        )
        trusting = ssl.create_default_context(cafile=str(authority.file))
        async with process(tmp_path, settings) as one, httpx.AsyncClient(verify=trusting) as client:
            assert one.credentials["url"].startswith("https://")
            response = await client.get(f"{one.parts.http.url}/health/live")
        assert response.headers["strict-transport-security"] == "max-age=60"

    async def test_no_tenant_is_made_unless_it_is_wanted(self, tmp_path: Path) -> None:
        settings = GatewaySettings(port=0, bootstrap_default_tenant=False)
        async with process(tmp_path, settings) as one:
            assert {worker.name for worker in one.parts.workers} == {"event loop lag", "http"}
        assert not (tmp_path / "credentials.json").exists()

    async def test_a_service_that_is_away_is_a_clear_problem(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings) as one, one.owner() as client:
            response = await client.get("/v1/documents")
        assert response.status_code in {503, 504}
        assert response.headers["content-type"] == "application/problem+json"

    async def test_readiness_is_that_of_everything(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async def away() -> None:
            raise DependencyUnavailableError("index_unavailable", "The index is away.")

        checks = [Check("index", away)]
        async with process(tmp_path, settings, checks) as one, one.owner() as client:
            found = (await client.get("/health/ready")).json()["checks"]
        assert found["index"]["error"] == "The index is away."
        assert found["gateway tables"]["status"] == "ok"

    async def test_audit_events_are_published_by_the_time_it_stops(
        self, tmp_path: Path, settings: GatewaySettings
    ) -> None:
        async with process(tmp_path, settings) as one:
            publisher = one.publisher
        assert publisher.types("audit") == ["AuditRecorded", "AuditRecorded"]


class TestSettings:
    def test_origins_are_read_as_a_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTSPHERE_GATEWAY_CORS_ORIGINS", '["https://a.example"]')
        assert GatewaySettings().cors_origins == ("https://a.example",)
