"""When keys and sessions were used last: noted in memory, written once a minute, on no request."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from clientsphere_common.errors import ServiceError
from gateway.ports import KeyUsageStore

log = structlog.get_logger(__name__)


class KeyUsage:
    """A module. A killed process forgets at most the last `interval_s` seconds."""

    name = "key usage"

    def __init__(self, store: KeyUsageStore, interval_s: float = 60.0) -> None:
        self._store = store
        self._interval_s = interval_s
        self._used_at: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: str, at: datetime) -> None:
        self._used_at[key_id] = at

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def flush(self) -> None:
        """Write what was noted since the last time; what cannot be written is forgotten."""
        used_at, self._used_at = self._used_at, {}
        if not used_at:
            return
        try:
            await self._store.mark_used(used_at)
        except ServiceError as error:
            log.warning("key_usage_lost", keys=len(used_at), code=error.code)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.flush()
