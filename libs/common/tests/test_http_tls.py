"""HTTPS of our own server: which versions, which certificate, and what when its files change."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.http_tls import ServerCertificate, server_context
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.modules import running


async def scheme(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return make_authority(tmp_path / "ca")


def issued(authority: CertificateAuthority, name: str = "gateway") -> ServerCertificate:
    files = authority.issue(name)
    return ServerCertificate(files.certificate, files.key)


@asynccontextmanager
async def serving(files: ServerCertificate) -> AsyncIterator[HttpServer]:
    address = HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_TEST_", server_context(files))
    server = HttpServer(scheme, address)
    async with running(server):
        yield server


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


async def shown_by(server: HttpServer, context: ssl.SSLContext) -> bytes:
    """The certificate that a new connection is shown."""
    port = int(server.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) or b""
    finally:
        writer.transport.abort()


class TestHttps:
    async def test_serves_those_who_trust_the_authority(
        self, authority: CertificateAuthority
    ) -> None:
        async with serving(issued(authority)) as server:
            assert server.url.startswith("https://")
            async with httpx.AsyncClient(verify=trusting(authority)) as client:
                assert (await client.get(server.url)).text == "https"

    @pytest.mark.parametrize(
        ("version", "is_served"),
        [
            (ssl.TLSVersion.TLSv1_1, False),
            (ssl.TLSVersion.TLSv1_2, True),
            (ssl.TLSVersion.TLSv1_3, True),
        ],
    )
    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
    async def test_speaks_tls_1_2_and_1_3(
        self, authority: CertificateAuthority, version: ssl.TLSVersion, is_served: bool
    ) -> None:
        context = trusting(authority)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        async with serving(issued(authority)) as server:
            if is_served:
                assert await shown_by(server, context)
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    await shown_by(server, context)

    async def test_refuses_ciphers_without_forward_secrecy(
        self, authority: CertificateAuthority
    ) -> None:
        context = trusting(authority)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA:AES256-SHA:ECDHE-ECDSA-AES128-SHA")
        async with serving(issued(authority)) as server:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await shown_by(server, context)


class TestReplacedFiles:
    async def test_are_shown_to_the_next_connection(self, authority: CertificateAuthority) -> None:
        context = trusting(authority)
        async with serving(issued(authority)) as server:
            before = await shown_by(server, context)
            issued(authority)
            after = await shown_by(server, context)
            assert await shown_by(server, context) == after
        assert before != after

    async def test_that_cannot_be_used_leave_the_old_ones(
        self, authority: CertificateAuthority
    ) -> None:
        files, context = issued(authority), trusting(authority)
        other = issued(authority, "other")
        async with serving(files) as server:
            before = await shown_by(server, context)
            with capture_logs() as logs:
                files.key.write_bytes(other.key.read_bytes())
                assert await shown_by(server, context) == before
                files.certificate.unlink()
                assert await shown_by(server, context) == before
        assert {one["event"] for one in logs} == {"certificates_not_replaced"}


class TestUnusableFiles:
    def test_keep_the_server_waiting(self, tmp_path: Path) -> None:
        with pytest.raises(DependencyUnavailableError, match="cannot be used") as caught:
            server_context(ServerCertificate(tmp_path / "no.pem", tmp_path / "no-key.pem"))
        assert caught.value.code == "certificates_unusable"

    def test_include_a_key_that_asks_for_a_password(self, authority: CertificateAuthority) -> None:
        files = issued(authority)
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = BestAvailableEncryption(b"secret")
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        with pytest.raises(DependencyUnavailableError):
            server_context(files)
