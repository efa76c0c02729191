"""Redis over TLS: only a server that proves who it is gets commands, and the password."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.harness.modules import running
from tests.harness.redis_server import RedisMissingError, tls_redis_server


@dataclass(frozen=True)
class Certificate:
    """Signed by itself, for 127.0.0.1."""

    file: Path
    key_file: Path


def new_certificate(folder: Path) -> Certificate:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "redis.pem", folder / "redis-key.pem")
    made.file.write_bytes(certificate.public_bytes(Encoding.PEM))
    made.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return new_certificate(tmp_path / "server")


@pytest.fixture
def url(certificate: Certificate) -> Iterator[str]:
    try:
        with tls_redis_server(certificate.file, certificate.key_file) as url:
            yield url
    except RedisMissingError as error:
        pytest.skip(f"NOT TESTED ON REDIS: {error}")


class TestTls:
    async def test_a_server_with_the_right_certificate_is_used(
        self, url: str, certificate: Certificate
    ) -> None:
        server = RedisServer(RedisSettings(url=url, ca_file=certificate.file, timeout_s=5))
        async with running(server):
            assert await server.call("ECHO", "safe") == b"safe"

    # asyncio of Python 3.11 leaves the socket of a failed handshake to the garbage collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    async def test_a_server_with_another_certificate_is_not(self, url: str, tmp_path: Path) -> None:
        other = new_certificate(tmp_path / "other")
        server = RedisServer(RedisSettings(url=url, ca_file=other.file, timeout_s=5))
        async with running(server):
            with pytest.raises(DependencyUnavailableError):
                await server.check()
