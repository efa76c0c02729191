"""What a directory promises beyond other object stores: nothing half-written, even after a kill."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.objects.directory import DirectoryObjectStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
async def store(root: Path) -> DirectoryObjectStore:
    store = DirectoryObjectStore(root)
    await store.start()
    return store


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def one_piece() -> AsyncIterator[bytes]:
    yield b"content"


class TestDirectoryObjectStore:
    async def test_keeps_an_object_as_a_file_under_its_key(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        await store.put("tnt_a/doc_1/v1/original", one_piece())
        assert files(root) == ["tnt_a/doc_1/v1/original"]
        assert (root / "tnt_a/doc_1/v1/original").read_bytes() == b"content"

    async def test_an_object_being_written_is_not_listed_and_has_no_key(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        async def look_around() -> AsyncIterator[bytes]:
            yield b"first piece"
            assert len(files(root)) == 1
            assert [entry async for entry in store.entries("")] == []
            assert not (root / "tnt_a").exists()

        await store.put("tnt_a/doc_1", look_around())

    async def test_what_is_opened_for_nobody_any_more_is_closed(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        # Opening it to read takes until somebody opens it to write.
        pipe = root / "pipe"
        os.mkfifo(pipe)
        reading = asyncio.ensure_future(anext(store.read("pipe")))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.sleep(0.05)
        writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
        with pytest.raises(asyncio.CancelledError):
            await reading
        with pytest.raises(BrokenPipeError):
            os.write(writer, b"for nobody")
        os.close(writer)

    async def test_a_stream_that_breaks_off_leaves_no_file(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        async def breaking_off() -> AsyncIterator[bytes]:
            yield b"half"
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await store.put("tnt_a/doc_1", breaking_off())
        assert files(root) == []

    async def test_drops_at_start_what_a_killed_process_left_unfinished(self, root: Path) -> None:
        store = DirectoryObjectStore(root)
        await store.start()
        await store.put("tnt_a/doc_1", one_piece())
        (root / ".unfinished" / "leftover").write_bytes(b"half")
        await DirectoryObjectStore(root).start()
        assert files(root) == ["tnt_a/doc_1"]

    async def test_is_ready_when_it_can_be_written_to(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        await store.check()
        assert files(root) == []

    async def test_is_not_ready_when_it_cannot(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        (root / ".unfinished").rmdir()
        with pytest.raises(DependencyUnavailableError) as failed:
            await store.check()
        assert failed.value.code == "objects_not_writable"

    async def test_an_object_deleted_while_listing_is_left_out(
        self, store: DirectoryObjectStore, root: Path
    ) -> None:
        await store.put("tnt_a/doc_1", one_piece())
        # What a listing meets when the file goes away after its folder was read.
        (root / "tnt_a" / "gone").symlink_to(root / "nowhere")
        assert [entry.key async for entry in store.entries("")] == ["tnt_a/doc_1"]
