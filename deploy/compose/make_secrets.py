"""Makes the secrets and certificates of the compose file: a folder for each container.

    python make_secrets.py SECRETS_FOLDER OBJECTS_FOLDER

What is there stays as it is, but for certificates that end soon. Whoever mounts a folder may read
it, and each container mounts its own.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BUCKET = "clientsphere"
SIGNING_SERVICES = ("gateway", "ingestion", "retrieval")
SERVICES_WITH_TABLES = ("gateway", "ingestion", "audit")
_LIFETIME = timedelta(days=365)
_RENEWED_BEFORE_END = timedelta(days=30)
_AUTHORITY = "authority"
"""The folder of the keys that no container mounts."""

_QDRANT = ("qdrant-api-key",)
_REDIS = ("redis-password",)
_S3 = ("s3-access-key-id", "s3-secret-access-key")
_PUBLIC = tuple(f"{service}-context-public-key" for service in SIGNING_SERVICES)
_EVERY_SERVICE = ("envelope-root-key", *_PUBLIC)
READERS: dict[str, tuple[str, ...]] = {
    "gateway": (
        "gateway-operator-key",
        "gateway-api-key-pepper",
        "gateway-token-key",
        "gateway-context-key",
        "gateway-database-password",
        *_REDIS,
        *_EVERY_SERVICE,
    ),
    "ingestion": (
        "ingestion-context-key",
        "ingestion-database-password",
        *_QDRANT,
        *_S3,
        *_EVERY_SERVICE,
    ),
    "retrieval": ("retrieval-context-key", *_QDRANT, *_REDIS, *_EVERY_SERVICE),
    "llm-proxy": _EVERY_SERVICE,
    "audit": ("audit-database-password", *_EVERY_SERVICE),
    "migrate": (
        "envelope-root-key",
        "postgres-password",
        *(f"{service}-database-password" for service in SERVICES_WITH_TABLES),
        *(f"{service}-database-owner-password" for service in SERVICES_WITH_TABLES),
    ),
    "postgres": ("postgres-password",),
    "redis": ("redis-password", "redis.conf"),
    "qdrant": _QDRANT,
    "s3": _S3,
}
"""Which secrets each container gets."""
GIVEN: dict[str, tuple[str, ...]] = {"llm-proxy": ("llm-proxy-completion-api-key",)}
"""What comes from the environment instead of being made."""
SERVICES = ("gateway", "ingestion", "retrieval", "llm-proxy", "audit")


class Keeper:
    """Makes each secret once, in a folder that only this program mounts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def value(self, name: str) -> bytes:
        if name.endswith("-context-public-key"):
            return _public_part(self.value(name.replace("-public-key", "-key")))
        if name == "redis.conf":
            return b"appendonly yes\nrequirepass " + self.value("redis-password") + b"\n"
        return self.kept(name, _make_for(name))

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        file = self._folder / name
        if not file.exists():
            _write(file, make(), 0o600)
        return file.read_bytes()


def _make_for(name: str) -> Callable[[], bytes]:
    if name == "envelope-root-key":
        return lambda: base64.b64encode(os.urandom(32))
    if name.endswith(("-context-key", "-token-key")):
        return lambda: _pem(Ed25519PrivateKey.generate())
    return lambda: secrets.token_urlsafe(32).encode()


class Authority:
    """Issues the certificates that services show to each other."""

    def __init__(self, keeper: Keeper) -> None:
        self._key = _load_ec_key(
            keeper.kept("ca-key.pem", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
        )
        self.certificate_pem = keeper.kept("ca.pem", self._certify_itself)
        self._name = x509.load_pem_x509_certificate(self.certificate_pem).subject

    def issue(self, service: str, lifetime: timedelta = _LIFETIME) -> tuple[bytes, bytes]:
        """Certificate and key, for the name that the service has in the network."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _certificate(service, key, lifetime)
            .issuer_name(self._name)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(service)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM), _pem(key)

    def _certify_itself(self) -> bytes:
        certificate = (
            _certificate("ClientSphere services", self._key, 10 * _LIFETIME)
            .issuer_name(_name("ClientSphere services"))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM)


def make_secrets(folder: Path) -> None:
    keeper = Keeper(folder / _AUTHORITY)
    authority = Authority(keeper)
    for container, names in READERS.items():
        (folder / container).mkdir(exist_ok=True)
        for name in names:
            _write(folder / container / name, keeper.value(name), 0o444)
    for service in SERVICES:
        _certify(folder / service, service, authority)


def _certify(folder: Path, service: str, authority: Authority) -> None:
    file = folder / "tls.pem"
    if file.exists() and not _ends_soon(file.read_bytes()):
        return
    certificate, key = authority.issue(service)
    _write(folder / "ca.pem", authority.certificate_pem, 0o444)
    _write(folder / "tls-key.pem", key, 0o444)
    _write(file, certificate, 0o444)


def _ends_soon(certificate: bytes) -> bool:
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    return end - datetime.now(UTC) < _RENEWED_BEFORE_END


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ a little.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _load_ec_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("ca-key.pem does not hold an elliptic curve key")
    return key


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_part(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write(file: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    aside = file.with_name(f"{file.name}.new")
    aside.write_bytes(content)
    aside.chmod(mode)
    aside.replace(file)


def keep_given(folder: Path, environment: Mapping[str, str]) -> None:
    """Secrets that only people can know; one that is empty is not given any more."""
    for container, names in GIVEN.items():
        for name in names:
            value = environment.get(f"CLIENTSPHERE_{name.replace('-', '_').upper()}", "")
            (folder / container / name).unlink(missing_ok=True)
            if value:
                _write(folder / container / name, value.encode(), 0o444)


def main(secrets_folder: str, objects_folder: str) -> None:
    make_secrets(Path(secrets_folder))
    keep_given(Path(secrets_folder), os.environ)
    # The S3 server takes folders for buckets.
    (Path(objects_folder) / BUCKET).mkdir(exist_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
