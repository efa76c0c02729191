"""The secrets of a stack: made once, kept in its folder, and who may read which."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from clientsphere_common.keys import write_private_file

SIGNING_SERVICES = ("gateway", "ingestion", "retrieval")
SERVICES_WITH_TABLES = ("gateway", "ingestion", "audit")
_RANDOM = (
    "gateway-operator-key",
    "gateway-api-key-pepper",
    "redis-password",
    "qdrant-api-key",
    "s3-access-key-id",
    "s3-secret-access-key",
    *(f"{service}-database-password" for service in SERVICES_WITH_TABLES),
    *(f"{service}-database-owner-password" for service in SERVICES_WITH_TABLES),
)
_PUBLIC = tuple(f"{service}-context-public-key" for service in SIGNING_SERVICES)

READERS: dict[str, tuple[str, ...]] = {
    "gateway": (
        "gateway-operator-key",
        "gateway-api-key-pepper",
        "gateway-token-key",
        "gateway-context-key",
        "gateway-database-password",
        "kafka-password",
        "redis-password",
        *_PUBLIC,
    ),
    "ingestion": (
        "ingestion-context-key",
        "ingestion-database-password",
        "kafka-password",
        "qdrant-api-key",
        "s3-access-key-id",
        "s3-secret-access-key",
        *_PUBLIC,
    ),
    "retrieval": (
        "retrieval-context-key",
        "kafka-password",
        "qdrant-api-key",
        "redis-password",
        *_PUBLIC,
    ),
    "llm-proxy": (
        "llm-proxy-completion-api-key",
        "llm-proxy-embedding-api-key",
        *_PUBLIC,
    ),
    "audit": ("audit-database-password", "kafka-password", *_PUBLIC),
    "migrate": tuple(
        f"{service}-database-{use}"
        for service in SERVICES_WITH_TABLES
        for use in ("password", "owner-password")
    ),
}
"""What each process may read, also where there is nothing: asking must not be refused."""


class GeneratedSecrets:
    """One file a secret; those that only the stack itself needs have names of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def value(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """Made when it is asked for first."""
        file = self._folder / name
        if not file.exists():
            write_private_file(file, make().encode())
        return file.read_text()

    def file(self, name: str) -> Path:
        self.value(name)
        return self._folder / name

    def keep(self, name: str, value: str) -> None:
        write_private_file(self._folder / name, value.encode())

    def has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def of_services(self) -> Iterator[tuple[str, str]]:
        """Name and value of each that services read."""
        for name in _RANDOM:
            yield name, self.value(name)
        yield "gateway-token-key", self.value("gateway-token-key", _private_key)
        for service in SIGNING_SERVICES:
            private = self.value(f"{service}-context-key", _private_key)
            yield f"{service}-context-key", private
            yield f"{service}-context-public-key", _public_part(private)


def _private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_part(pem: str) -> str:
    key = load_pem_private_key(pem.encode(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
