"""Signing keys as PEM: kept in files of their own, made on first use, read from secrets."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key kept at `path` (PEM, readable by its owner only).

    Raises ValueError when the file holds something else.
    """
    if not path.exists():
        _create(path)
    try:
        return read_private_key(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} does not hold an Ed25519 private key") from error


def read_private_key(pem: str) -> Ed25519PrivateKey:
    """Raises ValueError for anything else than an Ed25519 private key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 private key")
    return key


def read_public_keys(pem: str) -> list[Ed25519PublicKey]:
    """All keys of `pem`, one after the other. Raises ValueError unless all are Ed25519 keys."""
    keys = [load_pem_public_key(block.encode()) for block in _PUBLIC_KEY.findall(pem)]
    if not keys:
        raise ValueError("no public key")
    if not all(isinstance(key, Ed25519PublicKey) for key in keys):
        raise ValueError("not an Ed25519 public key")
    return [key for key in keys if isinstance(key, Ed25519PublicKey)]


def new_private_key() -> str:
    """An Ed25519 key that nobody else has, as PEM."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return pem.decode()


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private_file(path, new_private_key().encode())


def write_private_file(path: Path, content: bytes) -> None:
    """Replace `path` by `content` at once, readable and writable by its owner only."""
    aside = path.with_name(f"{path.name}.new")
    _write_aside(aside, content)
    aside.replace(path)


def create_private_file(path: Path, content: bytes) -> None:
    """The same, but of several that create `path` the first one wins, also among processes."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    _write_aside(aside, content)
    with suppress(FileExistsError):
        path.hardlink_to(aside)
    aside.unlink()


def _write_aside(aside: Path, content: bytes) -> None:
    """First, so that a killed process leaves no half file where a whole one is looked for."""
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
