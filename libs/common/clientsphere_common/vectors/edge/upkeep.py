"""Optimises the embedded index in the background, as often as its growth asks for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from clientsphere_common.vectors.edge.engine import ShardEngine
from clientsphere_common.vectors.edge.process import ShardFailedError
from clientsphere_common.vectors.edge.shard import Backlog, PassageShard

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UpkeepSettings:
    check_interval_s: float = 30.0
    min_backlog: int = 10_000
    """Points. So few cost a search 3 ms at 256 numbers a vector."""
    max_backlog_share: float = 0.25
    """Of all points. Copying the whole for less would make total work grow with its square."""


class IndexUpkeep:
    def __init__(self, engine: ShardEngine, settings: UpkeepSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._unavoidable = 0
        """What the last optimising left over, because a graph would not pay."""

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run(), name="index upkeep")

    async def stop(self) -> None:
        self._loop.cancel()
        await asyncio.wait({self._loop})

    async def watch(self) -> None:
        """Raise when the loop has died; otherwise wait until cancelled."""
        await asyncio.wait({self._loop})
        self._loop.result()

    async def check(self) -> None:
        """Optimise if it is due."""
        before = await self._engine.read(PassageShard.backlog)
        if not self._is_due(before):
            return
        await self._engine.optimise()
        after = await self._engine.read(PassageShard.backlog)
        self._unavoidable = after.changes
        log.info("index_optimised", points=after.points, changes=before.changes)

    def _is_due(self, backlog: Backlog) -> bool:
        settings = self._settings
        enough = max(settings.min_backlog, settings.max_backlog_share * backlog.points)
        return backlog.changes - self._unavoidable >= enough

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.check_interval_s)
            try:
                await self.check()
            except (ShardFailedError, OSError) as error:
                log.warning("index_optimising_failed", error=str(error))
