"""Work in the background that is done again and again for as long as the process runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Repeating:
    """Does `step` after a pause of as many seconds as `pause_s` says, and again."""

    def __init__(self, step: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> None:
        self._step = step
        self._pause_s = pause_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def watch(self) -> None:
        """Raise what ended the work; otherwise wait until cancelled."""
        if self._task is None:
            raise RuntimeError("the work was not started")
        # Unlike awaiting the task, this does not cancel it when the watcher is cancelled.
        await asyncio.wait({self._task})
        self._task.result()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s())
            await self._step()
