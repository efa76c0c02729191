"""Who gets a connection: certificates of the one authority, also while they are being replaced."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.channels import open_channel
from clientsphere_common.rpc.tls import TlsFiles, TlsFilesError
from clientsphere_common.rpc.transport import Transport
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.counted_calls import CountedCalls, search
from tests.harness.rpc import RpcHost, as_caller, rpc_host

KEY = Ed25519PrivateKey.generate()
CALLS = OutgoingCalls(CallerSigner("test", KEY))


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return make_authority(tmp_path / "ca")


@pytest.fixture
def server_files(authority: CertificateAuthority) -> TlsFiles:
    return authority.issue("server")


@pytest.fixture
async def host(server_files: TlsFiles) -> AsyncIterator[RpcHost]:
    transport = Transport(tls=server_files)
    parts = CountedCalls().parts
    async with rpc_host(parts, address="127.0.0.1:0", transport=transport, key=KEY) as host:
        as_caller("tnt_a")
        yield host


async def call(address: str, transport: Transport) -> None:
    async with open_channel(address, transport) as channel:
        await search(CALLS, channel, timeout_s=5)


class TestServersAsk:
    async def test_a_certificate_of_the_authority_is_let_in(
        self, host: RpcHost, authority: CertificateAuthority
    ) -> None:
        await call(host.address, Transport(tls=authority.issue("gateway")))

    async def test_a_client_without_a_certificate_is_not(
        self, host: RpcHost, authority: CertificateAuthority
    ) -> None:
        credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
        async with grpc.aio.secure_channel(host.address, credentials) as channel:
            with pytest.raises(DependencyUnavailableError):
                await search(CALLS, channel, timeout_s=5)

    async def test_a_client_in_plaintext_is_not(self, host: RpcHost) -> None:
        with pytest.raises(DependencyUnavailableError):
            await call(host.address, Transport())

    async def test_a_certificate_of_another_authority_is_not(
        self, host: RpcHost, authority: CertificateAuthority, tmp_path: Path
    ) -> None:
        foreign = make_authority(tmp_path / "foreign").issue("gateway")
        files = TlsFiles(foreign.certificate, foreign.key, authority.file)
        with pytest.raises(DependencyUnavailableError):
            await call(host.address, Transport(tls=files))

    async def test_an_expired_certificate_is_not(
        self, host: RpcHost, authority: CertificateAuthority
    ) -> None:
        with pytest.raises(DependencyUnavailableError):
            await call(host.address, Transport(tls=authority.issue("gateway", expired=True)))


class TestClientsAsk:
    async def test_a_server_of_another_authority_gets_no_call(
        self, host: RpcHost, tmp_path: Path
    ) -> None:
        foreign = make_authority(tmp_path / "foreign").issue("gateway")
        with pytest.raises(DependencyUnavailableError):
            await call(host.address, Transport(tls=foreign))

    async def test_a_server_of_another_name_gets_no_call(
        self, host: RpcHost, authority: CertificateAuthority
    ) -> None:
        authority.issue("server", ["retrieval"])
        with pytest.raises(DependencyUnavailableError):
            await call(host.address, Transport(tls=authority.issue("gateway")))

    async def test_the_name_may_be_another_than_the_address_when_it_is_set(
        self, host: RpcHost, authority: CertificateAuthority
    ) -> None:
        authority.issue("server", ["retrieval"])
        files = authority.issue("gateway")
        await call(host.address, Transport(tls=files, tls_server_name="retrieval"))


class TestReplacedFiles:
    async def test_a_running_server_shows_its_new_certificate(
        self, host: RpcHost, authority: CertificateAuthority, server_files: TlsFiles
    ) -> None:
        see = partial(certificate_seen, host.address, authority.issue("gateway"))
        before = server_files.certificate.read_text()
        assert await asyncio.to_thread(see) == before
        authority.issue("server")
        after = server_files.certificate.read_text()
        assert await asyncio.to_thread(see) == after != before

    async def test_a_running_server_trusts_a_new_authority(
        self, host: RpcHost, server_files: TlsFiles, tmp_path: Path
    ) -> None:
        other = make_authority(tmp_path / "other")
        files = other.issue("server")
        server_files.certificate.write_bytes(files.certificate.read_bytes())
        server_files.key.write_bytes(files.key.read_bytes())
        server_files.authority.write_bytes(other.file.read_bytes())
        await call(host.address, Transport(tls=other.issue("gateway")))

    @pytest.mark.parametrize("content", ["", "half of it"])
    async def test_a_running_server_passes_over_what_it_cannot_use(
        self,
        host: RpcHost,
        authority: CertificateAuthority,
        server_files: TlsFiles,
        content: str,
    ) -> None:
        client = Transport(tls=authority.issue("gateway"))
        server_files.certificate.write_text(content)
        await call(host.address, client)

    async def test_a_running_server_waits_for_the_key_of_a_new_certificate(
        self, host: RpcHost, authority: CertificateAuthority, server_files: TlsFiles
    ) -> None:
        client = Transport(tls=authority.issue("gateway"))
        old_key = server_files.key.read_bytes()
        authority.issue("server")
        server_files.key.write_bytes(old_key)
        await call(host.address, client)


class TestTlsFiles:
    def test_a_key_of_another_certificate_is_told_at_the_start(
        self, authority: CertificateAuthority, server_files: TlsFiles
    ) -> None:
        other = authority.issue("other")
        mixed = TlsFiles(server_files.certificate, other.key, authority.file)
        with pytest.raises(TlsFilesError, match="is not the certificate of"):
            mixed.read()

    @pytest.mark.parametrize("file", ["certificate", "key", "authority"])
    @pytest.mark.parametrize("content", [None, "", "no PEM"])
    def test_what_cannot_be_used_is_told_by_name_at_the_start(
        self, server_files: TlsFiles, file: str, content: str | None
    ) -> None:
        path: Path = getattr(server_files, file)
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
        with pytest.raises(TlsFilesError, match=str(path)):
            server_files.read()

    async def test_a_server_does_not_start_with_them(self, server_files: TlsFiles) -> None:
        server_files.key.write_text("no PEM")
        with pytest.raises(TlsFilesError):
            async with rpc_host(address="127.0.0.1:0", transport=Transport(tls=server_files)):
                raise AssertionError


def certificate_seen(address: str, files: TlsFiles) -> str:
    """The server's certificate in PEM, as a new connection sees it."""
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True) or b"")
