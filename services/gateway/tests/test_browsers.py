"""What browsers are told: who may call, what may run, and to stay with TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest
from pydantic import ValidationError

from gateway.middleware.response_headers import TransportSecurity
from gateway.settings import GatewaySettings
from tests.harness.gateway import Gateway, Tables

PAGE = "https://app.example.com"


@pytest.fixture
async def client(tables: Tables) -> AsyncIterator[httpx.AsyncClient]:
    async with Gateway(tables, GatewaySettings(cors_origins=(PAGE,))).client() as client:
        yield client


async def preflight(client: httpx.AsyncClient, origin: str, **asked: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    headers |= {f"access-control-request-{name}": value for name, value in asked.items()}
    return await client.options("/v1/chat", headers=headers)


class TestOrigins:
    @pytest.mark.parametrize(
        "origin",
        [
            "*",
            "null",
            "",
            "app.example.com",
            "https://app.example.com/",
            "https://*.example.com",
            "https://app.example.com,https://evil.example",
            "HTTPS://app.example.com",
            "ftp://app.example.com",
            "https://user@app.example.com",
        ],
    )
    def test_that_are_not_exact_stop_the_process(self, origin: str) -> None:
        with pytest.raises(ValidationError, match="an origin is a scheme and a host"):
            GatewaySettings(cors_origins=(origin,))

    @pytest.mark.parametrize(
        "origin", [PAGE, "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8080"]
    )
    def test_that_are_exact_do_not(self, origin: str) -> None:
        assert GatewaySettings(cors_origins=(origin,)).cors_origins == (origin,)

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "null",
            "*",
        ],
    )
    async def test_that_only_look_alike_are_refused(
        self, client: httpx.AsyncClient, origin: str
    ) -> None:
        for response in (
            await preflight(client, origin),
            await client.get("/v1/me", headers={"origin": origin}),
        ):
            assert "access-control-allow-origin" not in response.headers

    async def test_may_send_what_the_api_reads(self, client: httpx.AsyncClient) -> None:
        asked = "authorization, content-type, x-request-id, x-request-timeout-s"
        response = await preflight(client, PAGE, headers=asked)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in response.headers
        assert "Origin" in response.headers["vary"]

    async def test_may_not_send_anything_else(self, client: httpx.AsyncClient) -> None:
        assert (await preflight(client, PAGE, headers="x-evil")).status_code == 400
        assert (await preflight(client, PAGE, method="TRACE")).status_code == 400

    async def test_can_read_why_they_were_refused(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/v1/me", headers={"origin": PAGE})
        assert response.status_code == 401
        assert response.headers["access-control-allow-origin"] == PAGE


class TestHeaders:
    @pytest.mark.parametrize("path", ["/v1/me", "/health/live", "/metrics", "/docs", "/nothing"])
    async def test_keep_pages_apart(self, nobody: httpx.AsyncClient, path: str) -> None:
        headers = (await nobody.get(path)).headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]

    @pytest.mark.parametrize("path", ["/v1/me", "/health/live", "/metrics", "/docs/nothing"])
    async def test_keep_answers_out_of_caches(self, nobody: httpx.AsyncClient, path: str) -> None:
        assert (await nobody.get(path)).headers["cache-control"] == "no-store"

    async def test_let_the_documentation_be_kept(self, nobody: httpx.AsyncClient) -> None:
        for path in ("/docs", "/openapi.json"):
            assert (await nobody.get(path)).headers.get("cache-control") != "no-store"


class TestTransportSecurity:
    security = TransportSecurity(60, (ip_network("10.0.0.0/8"),))

    @pytest.mark.parametrize(
        ("scheme", "peer", "said", "is_https"),
        [
            ("https", "192.0.2.1", [], True),
            ("http", "192.0.2.1", [], False),
            ("http", "10.1.2.3", ["https"], True),
            ("http", "10.1.2.3", ["HTTPS"], True),
            ("http", "10.1.2.3", ["http, https"], True),
            ("http", "10.1.2.3", ["https", "http"], False),
            ("http", "10.1.2.3", ["https, http"], False),
            ("http", "10.1.2.3", [], False),
            ("http", "192.0.2.1", ["https"], False),
            ("http", "", ["https"], False),
        ],
    )
    def test_is_believed_of_trusted_proxies_only(
        self, scheme: str, peer: str, said: list[str], is_https: bool
    ) -> None:
        headers = [(b"x-forwarded-proto", one.encode()) for one in said]
        scope = {"type": "http", "scheme": scheme, "client": (peer, 1), "headers": headers}
        assert self.security.is_https(scope) is is_https

    def test_of_a_connection_without_a_peer_is_what_it_is(self) -> None:
        headers = [(b"x-forwarded-proto", b"https")]
        assert not self.security.is_https({"type": "http", "client": None, "headers": headers})

    @pytest.mark.parametrize(("max_age_s", "told"), [(60, "max-age=60"), (0, None)])
    async def test_is_told_as_it_is_set(
        self, tables: Tables, max_age_s: int, told: str | None
    ) -> None:
        gateway = Gateway(tables, GatewaySettings(hsts_max_age_s=max_age_s))
        transport = httpx.ASGITransport(gateway.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://x") as client:
            response = await client.get("/health/live")
        assert response.headers.get("strict-transport-security") == told


class TestSettings:
    def test_certificate_and_key_belong_together(self) -> None:
        with pytest.raises(ValidationError, match="set both or none"):
            GatewaySettings.model_validate({"tls_cert_file": "gateway.pem"})

    def test_the_least_is_not_above_the_most(self) -> None:
        with pytest.raises(ValidationError, match="must not be above"):
            GatewaySettings(least_requests_at_once=2, most_requests_at_once=1)
