"""Watches how late the event loop is, and has the places follow."""

from __future__ import annotations

import asyncio

import structlog

from gateway.shedding.metrics import SheddingMetrics
from gateway.shedding.places import Places

log = structlog.get_logger(__name__)

_SAMPLE_INTERVAL_S = 0.05
_SAMPLES = 10


class LoopLag:
    """A module. Counts as late only what is late in every sample of half a second.

    One slow step, or a burst that is worked off, is no overload (Nichols and Jacobson,
    "Controlling Queue Delay", ACM Queue 2012).
    """

    name = "event loop lag"

    def __init__(self, places: Places, metrics: SheddingMetrics, late_after_s: float) -> None:
        self._places = places
        self._metrics = metrics
        self._late_after_s = late_after_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def judge(self, least_lag_s: float) -> None:
        """Draw the conclusion from the least lag of half a second."""
        before = self._places.count
        self._places.adapt(is_late=least_lag_s > self._late_after_s)
        self._metrics.observe(least_lag_s, self._places.count)
        if self._places.count < before:
            log.warning(
                "places_reduced", places=self._places.count, lag_ms=round(least_lag_s * 1e3, 1)
            )

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            lags_s = []
            for _ in range(_SAMPLES):
                due = loop.time() + _SAMPLE_INTERVAL_S
                await asyncio.sleep(_SAMPLE_INTERVAL_S)
                lags_s.append(loop.time() - due)
            self.judge(min(lags_s))
