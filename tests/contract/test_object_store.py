"""What every object store does, whichever technology keeps the bytes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clientsphere_common.errors import NotFoundError
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.objects.encrypted import EncryptedObjectStore
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.objects.s3 import S3ObjectStore
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys
from tests.harness.modules import running
from tests.harness.s3_server import S3Server

KEY = "tnt_a/doc_1/v1/original"


@pytest.fixture(params=["directory", "encrypted directory", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    keeper: DirectoryObjectStore | S3ObjectStore = DirectoryObjectStore(tmp_path / "objects")
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        keeper = S3ObjectStore(server.new_bucket())
    async with running(keeper):
        if request.param == "encrypted directory":
            yield EncryptedObjectStore(keeper, LocalEnvelopeKeys(lambda: bytes(32)))
        else:
            yield keeper


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def breaking_off(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    raise ConnectionError("the upload was cut off")


async def content(store: ObjectStore, key: str) -> bytes:
    return b"".join([piece async for piece in store.read(key)])


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return sorted([entry.key async for entry in store.entries(prefix)])


class TestPut:
    async def test_what_was_stored_can_be_read(self, store: ObjectStore) -> None:
        await store.put(KEY, pieces(b"first ", b"second"))
        assert await content(store, KEY) == b"first second"

    async def test_tells_size_and_hash_of_what_was_stored(self, store: ObjectStore) -> None:
        stored = await store.put(KEY, pieces(b"first ", b"second"))
        assert (stored.key, stored.size_bytes) == (KEY, 12)
        assert stored.sha256 == hashlib.sha256(b"first second").hexdigest()

    async def test_an_object_may_be_empty(self, store: ObjectStore) -> None:
        stored = await store.put(KEY, pieces())
        assert stored.size_bytes == 0
        assert await content(store, KEY) == b""

    async def test_an_object_may_be_larger_than_one_piece(self, store: ObjectStore) -> None:
        piece = bytes(range(256)) * 4096
        stored = await store.put(KEY, pieces(piece, piece, piece))
        assert stored.size_bytes == 3 * 1024 * 1024
        assert await content(store, KEY) == piece * 3

    async def test_an_object_may_be_larger_than_many_parts(self, store: ObjectStore) -> None:
        piece = bytes(range(256)) * 4096
        stored = await store.put(KEY, pieces(*[piece] * 20))
        assert stored.sha256 == hashlib.sha256(piece * 20).hexdigest()
        assert await content(store, KEY) == piece * 20

    async def test_replaces_what_was_there(self, store: ObjectStore) -> None:
        await store.put(KEY, pieces(b"a long first version"))
        await store.put(KEY, pieces(b"second"))
        assert await content(store, KEY) == b"second"

    async def test_a_stream_that_breaks_off_stores_nothing(self, store: ObjectStore) -> None:
        with pytest.raises(ConnectionError):
            await store.put(KEY, breaking_off(b"half"))
        assert await keys(store, "") == []

    async def test_a_stream_that_breaks_off_leaves_the_version_before(
        self, store: ObjectStore
    ) -> None:
        await store.put(KEY, pieces(b"whole"))
        with pytest.raises(ConnectionError):
            await store.put(KEY, breaking_off(b"half"))
        assert await content(store, KEY) == b"whole"

    async def test_a_long_stream_that_breaks_off_stores_nothing(self, store: ObjectStore) -> None:
        with pytest.raises(ConnectionError):
            await store.put(KEY, breaking_off(*[bytes(1024 * 1024)] * 20))
        assert await keys(store, "") == []

    async def test_a_put_that_is_cancelled_stores_nothing(self, store: ObjectStore) -> None:
        is_waiting = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(1024 * 1024)
            is_waiting.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(store.put(KEY, endless()))
        await is_waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await keys(store, "") == []

    async def test_of_two_at_once_one_wins_whole(self, store: ObjectStore) -> None:
        a, b = [b"a"] * 100, [b"b"] * 100
        await asyncio.gather(store.put(KEY, pieces(*a)), store.put(KEY, pieces(*b)))
        assert await content(store, KEY) in (b"".join(a), b"".join(b))

    @pytest.mark.parametrize(
        "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a b", "ü", "a\n"]
    )
    async def test_a_key_that_is_no_key_is_refused(self, store: ObjectStore, key: str) -> None:
        with pytest.raises(ValueError, match="not an object key"):
            await store.put(key, pieces(b"x"))


class TestRead:
    async def test_a_missing_object_is_not_found(self, store: ObjectStore) -> None:
        with pytest.raises(NotFoundError) as missing:
            await content(store, KEY)
        assert missing.value.code == "object_not_found"

    async def test_may_be_left_early(self, store: ObjectStore) -> None:
        await store.put(KEY, pieces(bytes(1024 * 1024)))
        reading = aiter(store.read(KEY))
        assert await anext(reading)


class TestDelete:
    async def test_a_deleted_object_is_not_found(self, store: ObjectStore) -> None:
        await store.put(KEY, pieces(b"x"))
        await store.delete(KEY)
        with pytest.raises(NotFoundError):
            await content(store, KEY)

    async def test_nothing_happens_when_it_is_missing(self, store: ObjectStore) -> None:
        await store.delete(KEY)
        await store.delete(KEY)


class TestEntries:
    async def test_lists_exactly_the_keys_with_the_prefix(self, store: ObjectStore) -> None:
        for key in ("tnt_a/doc_1", "tnt_a/doc_2", "tnt_ab/doc_3", "tnt_b/doc_4"):
            await store.put(key, pieces(b"x"))
        assert await keys(store, "tnt_a/") == ["tnt_a/doc_1", "tnt_a/doc_2"]
        assert await keys(store, "tnt_a") == ["tnt_a/doc_1", "tnt_a/doc_2", "tnt_ab/doc_3"]
        assert len(await keys(store, "")) == 4

    async def test_is_empty_where_nothing_is_stored(self, store: ObjectStore) -> None:
        assert await keys(store, "tnt_a/") == []

    async def test_tells_when_an_object_was_stored(self, store: ObjectStore) -> None:
        before_s = time.time()
        await store.put(KEY, pieces(b"x"))
        (entry,) = [entry async for entry in store.entries("tnt_a/")]
        assert before_s - 2 <= entry.modified_at_s <= time.time() + 2
