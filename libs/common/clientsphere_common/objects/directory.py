"""Keeps objects as files of a directory: written aside, synced, then renamed into place."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Literal

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.objects.keys import checked_key
from clientsphere_common.objects.ports import ObjectEntry, StoredObject

_PIECE_BYTES = 256 * 1024
_UNFINISHED = ".unfinished"


class DirectoryObjectStore:
    """Objects under `root`. One process owns the directory."""

    name = "objects"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / _UNFINISHED

    async def start(self) -> None:
        """Make the directory, and drop what a killed process was in the middle of writing."""
        await asyncio.to_thread(self._prepare)

    async def stop(self) -> None:
        """Nothing stays open."""

    async def check(self) -> None:
        """Raise DependencyUnavailableError when nothing can be stored."""
        try:
            await asyncio.to_thread(self._try_to_write)
        except OSError as error:
            raise DependencyUnavailableError(
                "objects_not_writable", "The folder of stored files cannot be written to."
            ) from error

    async def put(self, key: str, data: AsyncIterable[bytes]) -> StoredObject:
        final = self._path(key)
        aside = self._unfinished / secrets.token_hex(16)
        digest, size_bytes = hashlib.sha256(), 0
        try:
            async with _opened(aside, "wb") as file:
                async for piece in data:
                    digest.update(piece)
                    size_bytes += len(piece)
                    await asyncio.to_thread(file.write, piece)
                await asyncio.to_thread(self._publish, file, aside, final)
        finally:
            aside.unlink(missing_ok=True)
        return StoredObject(key, size_bytes, digest.hexdigest())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        try:
            async with _opened(self._path(key), "rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise NotFoundError("object_not_found", "The stored file is missing.") from error

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        for entry in await asyncio.to_thread(self._list, prefix):
            yield entry

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _prepare(self) -> None:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        for leftover in self._unfinished.iterdir():
            leftover.unlink()

    def _try_to_write(self) -> None:
        aside = self._unfinished / secrets.token_hex(16)
        try:
            aside.write_bytes(b"x")
        finally:
            aside.unlink(missing_ok=True)

    def _publish(self, file: IO[bytes], aside: Path, final: Path) -> None:
        file.flush()
        os.fsync(file.fileno())
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(final)
        # Up to the root: a folder made for this key has to be on the disk as well.
        for folder in final.parents:
            _sync_directory(folder)
            if folder == self._root:
                break

    def _list(self, prefix: str) -> list[ObjectEntry]:
        found = []
        for path in self._root.rglob("*"):
            key = path.relative_to(self._root).as_posix()
            if not key.startswith(prefix) or key.startswith(_UNFINISHED):
                continue
            # Gone when it was deleted since the folder was read.
            with suppress(FileNotFoundError):
                state = path.stat()
                if S_ISREG(state.st_mode):
                    found.append(ObjectEntry(key, state.st_mtime))
        return found


@asynccontextmanager
async def _opened(path: Path, mode: Literal["rb", "wb"]) -> AsyncGenerator[IO[bytes], None]:
    opening = asyncio.create_task(asyncio.to_thread(path.open, mode))
    try:
        yield await asyncio.shield(opening)
    finally:
        # Also when nobody waits for it any more: the thread opens it all the same.
        (await opening).close()


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
