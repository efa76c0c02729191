"""The tenants' keys made from one key in a file, for a process that has no Vault."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clientsphere_common.errors import DependencyUnavailableError, InternalError
from clientsphere_common.keys import write_private_file
from clientsphere_common.secrets.ports import DataKey

_KEY_BYTES = 32
_NONCE_BYTES = 12


class LocalEnvelopeKeys:
    """AES-256-GCM under a key that HKDF derives for each tenant from the one of the file.

    Whoever has the file has every tenant's key. Without it nothing that was wrapped can be read.
    `load` is called when the key is needed first; while it raises OSError or ValueError, everything
    here raises DependencyUnavailableError.
    """

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load
        self._root_key: bytes | None = None

    async def new_data_key(self, tenant_id: str) -> DataKey:
        key = os.urandom(_KEY_BYTES)
        return DataKey(key, await self.encrypt(tenant_id, key))

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        return await self.decrypt(tenant_id, wrapped)

    async def encrypt(self, tenant_id: str, plaintext: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(tenant_id).encrypt(nonce, plaintext, None)

    async def decrypt(self, tenant_id: str, ciphertext: bytes) -> bytes:
        nonce, sealed = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
        try:
            return self._cipher(tenant_id).decrypt(nonce, sealed, None)
        # ValueError: too short to hold a nonce.
        except (InvalidTag, ValueError) as error:
            raise InternalError(
                "ciphertext_refused", "What was stored was not encrypted for this tenant."
            ) from error

    def _cipher(self, tenant_id: str) -> AESGCM:
        derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=tenant_id.encode())
        return AESGCM(derived.derive(self._root()))

    def _root(self) -> bytes:
        if self._root_key is None:
            try:
                self._root_key = self._load()
            except (OSError, ValueError) as error:
                raise DependencyUnavailableError(
                    "root_key_unusable", "The root of the tenants' keys cannot be read."
                ) from error
        return self._root_key


def load_root_key(path: Path) -> bytes:
    """The 256-bit key that the file holds as Base64.

    Raises ValueError when the file holds something else.
    """
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error as error:
        raise ValueError(f"{path} does not hold Base64") from error
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} holds {len(key)} bytes instead of {_KEY_BYTES}")
    return key


def load_or_create_root_key(path: Path) -> bytes:
    """The same; made on first use, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private_file(path, base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
    return load_root_key(path)
