"""What is stored tells nothing, and what was tampered with is not read."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

import pytest

from clientsphere_common.errors import InternalError
from clientsphere_common.objects.encrypted import EncryptedObjectStore
from clientsphere_common.objects.ports import ObjectEntry, StoredObject
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys

KEY = "tnt_a/doc_1/v1/original"
SEGMENT = 64 * 1024
SEALED = SEGMENT + 16
HEADER = 6 + 60


class FakeObjects:
    """Keeps bytes in memory, and hands them out in pieces of `piece_bytes`."""

    def __init__(self, piece_bytes: int = 1000) -> None:
        self.stored: dict[str, bytes] = {}
        self._piece_bytes = piece_bytes

    async def put(self, key: str, data: AsyncIterable[bytes]) -> StoredObject:
        self.stored[key] = b"".join([piece async for piece in data])
        return StoredObject(key, len(self.stored[key]), "of the stored bytes")

    async def read(self, key: str) -> AsyncIterator[bytes]:
        whole = self.stored[key]
        for start in range(0, len(whole), self._piece_bytes):
            yield whole[start : start + self._piece_bytes]

    async def delete(self, key: str) -> None:
        del self.stored[key]

    async def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        for key in self.stored:
            yield ObjectEntry(key, 0.0)


@pytest.fixture
def inner() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def store(inner: FakeObjects) -> EncryptedObjectStore:
    return EncryptedObjectStore(inner, LocalEnvelopeKeys(lambda: bytes(32)))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def content(store: EncryptedObjectStore, key: str = KEY) -> bytes:
    return b"".join([piece async for piece in store.read(key)])


class TestRoundTrip:
    @pytest.mark.parametrize(
        "size_bytes",
        [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 1, 3 * SEGMENT - 1],
    )
    @pytest.mark.parametrize("piece_bytes", [1000, SEALED, 10**6])
    async def test_every_length_around_the_segments_comes_back(
        self, size_bytes: int, piece_bytes: int
    ) -> None:
        store = EncryptedObjectStore(FakeObjects(piece_bytes), LocalEnvelopeKeys(lambda: bytes(32)))
        plain = (bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]
        stored = await store.put(KEY, pieces(plain[: size_bytes // 3], plain[size_bytes // 3 :]))
        assert stored.size_bytes == size_bytes
        assert await content(store) == plain

    async def test_no_plain_byte_is_stored(
        self, store: EncryptedObjectStore, inner: FakeObjects
    ) -> None:
        await store.put(KEY, pieces(b"a very private sentence " * 10_000))
        assert b"private" not in inner.stored[KEY]

    async def test_the_same_bytes_are_never_stored_alike(
        self, store: EncryptedObjectStore, inner: FakeObjects
    ) -> None:
        await store.put(KEY, pieces(b"same"))
        first = inner.stored[KEY]
        await store.put(KEY, pieces(b"same"))
        assert inner.stored[KEY] != first

    async def test_costs_a_header_and_sixteen_bytes_a_segment(
        self, store: EncryptedObjectStore, inner: FakeObjects
    ) -> None:
        await store.put(KEY, pieces(bytes(2 * SEGMENT)))
        assert len(inner.stored[KEY]) == HEADER + 2 * SEALED


class TestTampering:
    @pytest.fixture
    async def whole(self, store: EncryptedObjectStore, inner: FakeObjects) -> bytes:
        await store.put(KEY, pieces(b"1" * SEGMENT, b"2" * SEGMENT, b"3" * 100))
        return inner.stored[KEY]

    async def refused(self, store: EncryptedObjectStore, key: str = KEY) -> str:
        with pytest.raises(InternalError) as refusal:
            await content(store, key)
        return refusal.value.code

    @pytest.mark.parametrize(
        "kept_bytes",
        [0, 3, HEADER - 1, HEADER, HEADER + 5, HEADER + SEALED, HEADER + 2 * SEALED, -1],
    )
    async def test_an_object_cut_off_anywhere_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes, kept_bytes: int
    ) -> None:
        inner.stored[KEY] = whole[:kept_bytes]
        assert await self.refused(store) == "object_damaged"

    async def test_segments_in_another_order_are_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        first, second = (whole[HEADER + n * SEALED : HEADER + (n + 1) * SEALED] for n in (0, 1))
        inner.stored[KEY] = whole[:HEADER] + second + first + whole[HEADER + 2 * SEALED :]
        assert await self.refused(store) == "object_damaged"

    async def test_a_segment_left_out_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        inner.stored[KEY] = whole[: HEADER + SEALED] + whole[HEADER + 2 * SEALED :]
        assert await self.refused(store) == "object_damaged"

    async def test_something_added_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        inner.stored[KEY] = whole + whole[-116:]
        assert await self.refused(store) == "object_damaged"

    @pytest.mark.parametrize("position", [0, HEADER, HEADER + SEALED + 7, -1])
    async def test_a_changed_bit_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes, position: int
    ) -> None:
        changed = bytearray(whole)
        changed[position] ^= 1
        inner.stored[KEY] = bytes(changed)
        assert await self.refused(store) == "object_damaged"

    async def test_a_changed_wrapped_key_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        changed = bytearray(whole)
        changed[HEADER - 1] ^= 1
        inner.stored[KEY] = bytes(changed)
        assert await self.refused(store) == "ciphertext_refused"

    async def test_the_object_of_another_tenant_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        inner.stored["tnt_b/doc_1"] = whole
        assert await self.refused(store, "tnt_b/doc_1") == "ciphertext_refused"

    async def test_the_object_of_another_key_of_the_tenant_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects, whole: bytes
    ) -> None:
        inner.stored["tnt_a/doc_2"] = whole
        assert await self.refused(store, "tnt_a/doc_2") == "object_damaged"

    async def test_what_was_stored_in_plain_is_refused(
        self, store: EncryptedObjectStore, inner: FakeObjects
    ) -> None:
        inner.stored[KEY] = b"a plain text file"
        assert await self.refused(store) == "object_damaged"
