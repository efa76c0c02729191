"""What the services need from a place that keeps whole files."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    key: str
    size_bytes: int
    sha256: str
    """Hexadecimal, of the stored bytes."""


@dataclass(frozen=True)
class ObjectEntry:
    key: str
    modified_at_s: float
    """Unix seconds."""


class ObjectStore(Protocol):
    """Keys are words of letters, digits, `.`, `-`, `_` between slashes; the tenant comes first."""

    async def put(self, key: str, data: AsyncIterable[bytes]) -> StoredObject:
        """Store the stream under `key`, durable on return; all of it or, if it fails, nothing."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """Yield the object's bytes in pieces. Raises NotFoundError at the first step if missing."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; nothing happens when it is missing."""
        ...

    def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        """Every object whose key begins with `prefix`, in no particular order."""
        ...
