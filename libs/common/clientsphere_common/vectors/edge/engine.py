"""Keeps a shard's process running, and replaces it by an optimised copy of itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from clientsphere_common.vectors.edge.folder import IndexFolder
from clientsphere_common.vectors.edge.process import ShardProcess
from clientsphere_common.vectors.edge.shard import PassageShard

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class ShardEngine:
    """Reads and writes go on while a copy is optimised; the copy then catches up and takes over.

    The engine cannot optimise and answer at once, and the shard can be open in one process only.
    """

    def __init__(self, folder: IndexFolder, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension
        self._writing = asyncio.Lock()
        self._switching = asyncio.Lock()
        self._missed: deque[Callable[[ShardProcess], Awaitable[object]]] | None = None
        """The writes since the copy was made; None when nothing is being optimised."""

    async def start(self) -> None:
        """Raises IndexFolderError or ShardFailedError when the folder cannot be used."""
        async with AsyncExitStack() as undo:
            self._shard = await asyncio.to_thread(self._folder.open, self._dimension)
            undo.callback(self._folder.close)
            is_new = not self._shard.exists()
            self._process = await self._launch(self._shard)
            undo.push_async_callback(self._process.kill)
            if is_new:
                await asyncio.to_thread(self._folder.sync, self._shard)
                self._folder.name_current(self._shard, self._dimension)
            undo.pop_all()

    async def stop(self) -> None:
        await self._process.stop()
        self._folder.close()

    async def read(
        self, method: Callable[Concatenate[PassageShard, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        process = await self._living_process()
        return await process.call(method, *args, **kwargs)

    async def write(
        self, method: Callable[Concatenate[PassageShard, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def repeat(process: ShardProcess) -> Awaitable[T]:
            return process.call(method, *args, **kwargs)

        async with self._writing:
            # Before the outcome is known: even when the caller goes away, both shards do the same.
            if self._missed is not None:
                self._missed.append(repeat)
            return await repeat(await self._living_process())

    async def optimise(self) -> None:
        """Raises what went wrong with the copy; the shard in use is untouched then."""
        try:
            async with self._writing, self._switching:
                await self._process.call(PassageShard.flush)
                copy = await asyncio.to_thread(self._folder.copy, self._shard)
                self._missed = deque()
            successor = await self._launch(copy)
            try:
                await successor.call(PassageShard.optimise)
                await asyncio.to_thread(self._folder.sync, copy)
                await self._catch_up(successor)
                predecessor = await self._hand_over(successor, copy)
            except BaseException:
                await successor.kill()
                raise
            await predecessor.stop()
        finally:
            self._missed = None
            await asyncio.to_thread(self._folder.sweep, self._shard)

    async def _catch_up(self, successor: ShardProcess) -> None:
        missed = self._missed or deque()
        for _ in range(len(missed)):
            await missed.popleft()(successor)

    async def _hand_over(self, successor: ShardProcess, copy: Path) -> ShardProcess:
        async with self._writing, self._switching:
            await self._catch_up(successor)
            await successor.call(PassageShard.flush)
            # Not in a thread: a cancellation must not fall between the file and the variables.
            self._folder.name_current(copy, self._dimension)
            predecessor, self._process, self._shard = self._process, successor, copy
            self._missed = None
        return predecessor

    async def _living_process(self) -> ShardProcess:
        if not self._process.is_alive:
            async with self._switching:
                if not self._process.is_alive:
                    log.warning("index_process_restarted")
                    self._process = await self._launch(self._shard)
        return self._process

    def _launch(self, shard: Path) -> Awaitable[ShardProcess]:
        return ShardProcess.launch(shard, self._dimension, keep_open=self._folder.lock)
