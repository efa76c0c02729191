"""What the services need from a place that keeps secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Secret:
    """A named text: a password, an API key, a PEM file."""

    name: str
    """Words of lower-case letters and digits between hyphens: `gateway-operator-key`."""
    value: str = field(repr=False)
    version: str
    """What its source tells versions apart by."""
    confirmed_at_s: float
    """Unix seconds at which the source last said that this is the value."""


class Secrets(Protocol):
    async def read(self, name: str) -> Secret:
        """Return the secret as it is now; while its source is away, the last one that was read.

        Raises NotFoundError, or DependencyUnavailableError when there is no value to fall back on.
        """
        ...

    def changes(self, since: Secret) -> AsyncIterator[Secret]:
        """Yield the newest secret of the same name whenever its value has changed; never ends."""
        ...


@dataclass(frozen=True)
class DataKey:
    """A key for one object, to be kept only as `wrapped`."""

    key: bytes = field(repr=False)
    """256 bits."""
    wrapped: bytes


class EnvelopeKeys(Protocol):
    """Keys that wrap data keys. Each tenant has its own, and it never leaves its keeper.

    Everything here raises DependencyUnavailableError when the keeper does not answer.
    """

    async def new_data_key(self, tenant_id: str) -> DataKey: ...

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        """Return the data key; raises InternalError when it was not wrapped for this tenant."""
        ...

    async def encrypt(self, tenant_id: str, plaintext: bytes) -> bytes:
        """Encrypt and authenticate a few kilobytes under the key of the tenant."""
        ...

    async def decrypt(self, tenant_id: str, ciphertext: bytes) -> bytes:
        """Undo `encrypt`; raises InternalError when it was not encrypted for this tenant."""
        ...
