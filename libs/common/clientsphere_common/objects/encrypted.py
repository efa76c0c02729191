"""Encrypts objects on their way into a store, each under a key of its own wrapped by its tenant's.

An object begins with a header: magic, length of the wrapped key, the wrapped key. Segments of
64 KiB follow, sealed by AES-256-GCM after the STREAM construction (Hoang, Reyhanitabar, Rogaway
and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015):
the nonce is the segment's number and whether it is the last. What was cut off, reordered, changed
or moved to another key is not read.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterable, AsyncIterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clientsphere_common.errors import InternalError
from clientsphere_common.objects.keys import tenant_of
from clientsphere_common.objects.ports import ObjectEntry, ObjectStore, StoredObject
from clientsphere_common.secrets.ports import EnvelopeKeys

_MAGIC = b"CSE1"
_HEADER = struct.Struct(">4sH")
_SEGMENT_BYTES = 64 * 1024
_TAG_BYTES = 16
_NUMBER_BYTES = 11


class EncryptedObjectStore:
    """Keeps in `inner` only what nobody can read without the keys of the tenant.

    Sizes and hashes are those of the plain bytes.
    """

    def __init__(self, inner: ObjectStore, keys: EnvelopeKeys) -> None:
        self._inner = inner
        self._keys = keys

    async def put(self, key: str, data: AsyncIterable[bytes]) -> StoredObject:
        plain = _Measured(data)
        await self._inner.put(key, self._sealed(key, plain))
        return StoredObject(key, plain.size_bytes, plain.digest.hexdigest())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        stored = _Buffered(self._inner.read(key))
        magic, wrapped_bytes = _HEADER.unpack(await stored.exactly(_HEADER.size))
        if magic != _MAGIC:
            raise _damaged()
        wrapped = await stored.exactly(wrapped_bytes)
        segments = _Segments(await self._keys.unwrap(tenant_of(key), wrapped), key, wrapped)
        is_last = False
        while not is_last:
            sealed, is_last = await stored.segment(_SEGMENT_BYTES + _TAG_BYTES)
            if plain := segments.open(sealed, is_last=is_last):
                yield plain

    async def delete(self, key: str) -> None:
        await self._inner.delete(key)

    def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        return self._inner.entries(prefix)

    async def _sealed(self, key: str, plain: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The stored bytes; the key is asked for only when `inner` has accepted the name."""
        data_key = await self._keys.new_data_key(tenant_of(key))
        yield _HEADER.pack(_MAGIC, len(data_key.wrapped)) + data_key.wrapped
        segments = _Segments(data_key.key, key, data_key.wrapped)
        source, is_last = _Buffered(aiter(plain)), False
        while not is_last:
            piece, is_last = await source.segment(_SEGMENT_BYTES)
            yield segments.seal(piece, is_last=is_last)


class _Measured:
    """Passes a stream through, and knows afterwards what it was."""

    def __init__(self, data: AsyncIterable[bytes]) -> None:
        self._data = data
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._data:
            self.digest.update(piece)
            self.size_bytes += len(piece)
            yield piece


class _Buffered:
    """Takes a stream in pieces of the sizes that the reader wants."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def exactly(self, size_bytes: int) -> bytes:
        await self._fill(size_bytes)
        if len(self._buffer) < size_bytes:
            raise _damaged()
        return self._take(size_bytes)

    async def segment(self, size_bytes: int) -> tuple[bytes, bool]:
        """At most `size_bytes`, and whether nothing comes after them."""
        await self._fill(size_bytes + 1)
        return self._take(size_bytes), not self._buffer

    async def _fill(self, size_bytes: int) -> None:
        while len(self._buffer) < size_bytes:
            piece = await anext(self._stream, None)
            if piece is None:
                return
            self._buffer += piece

    def _take(self, size_bytes: int) -> bytes:
        taken = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        return taken


class _Segments:
    """Seals or opens the segments of one object in order."""

    def __init__(self, data_key: bytes, key: str, wrapped: bytes) -> None:
        self._cipher = AESGCM(data_key)
        self._bound_to = hashlib.sha256(wrapped).digest() + key.encode()
        self._number = 0

    def seal(self, plain: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._next_nonce(is_last), plain, self._bound_to)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._next_nonce(is_last), sealed, self._bound_to)
        except InvalidTag as error:
            raise _damaged() from error

    def _next_nonce(self, is_last: bool) -> bytes:
        nonce = self._number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])
        self._number += 1
        return nonce


def _damaged() -> InternalError:
    return InternalError("object_damaged", "The stored file is damaged.")
