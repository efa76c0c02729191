"""Keeps the embedded event log from growing for ever."""

from __future__ import annotations

import asyncio

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.sqlite.event_log import SqliteEventLog

log = structlog.get_logger(__name__)

_EVERY_S = 3600.0


class EventTrimming:
    """A module: once an hour, drops events that every group has handled and nobody will replay."""

    name = "event trimming"

    def __init__(self, events: SqliteEventLog, every_s: float = _EVERY_S) -> None:
        self._events = events
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while True:
            try:
                if trimmed := await self._events.trim():
                    log.info("events_trimmed", count=trimmed)
            except DependencyUnavailableError as error:
                log.warning("event_trimming_delayed", code=error.code)
            await asyncio.sleep(self._every_s)
