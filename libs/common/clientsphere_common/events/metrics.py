"""How far the groups of an event log are behind, as metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Gauge

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Standing
from clientsphere_common.events.ports import GroupStandings
from clientsphere_common.repeating import Repeating

log = structlog.get_logger(__name__)

_LABELS = ("topic", "group")


class EventMetrics:
    """A module: asks for the standing of every group each `every_s` seconds.

    Of every group, not only those of this process: the lag of workers that have all died must
    still be seen. While the log does not answer, there are no values rather than old ones.
    """

    name = "event metrics"

    def __init__(
        self,
        groups: GroupStandings,
        registry: CollectorRegistry,
        every_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._groups = groups
        self._clock = clock
        self._is_away = False
        self._sampling = Repeating(self.sample, lambda: every_s)
        self._lag = Gauge(
            "clientsphere_event_lag",
            "Events that the group has neither handled nor given up.",
            _LABELS,
            registry=registry,
        )
        self._oldest_age_s = Gauge(
            "clientsphere_event_oldest_age_seconds",
            "Time since the oldest of these events was published.",
            _LABELS,
            registry=registry,
        )
        self._dead_letters = Gauge(
            "clientsphere_event_dead_letters",
            "Events that the group has given up and nobody has replayed.",
            _LABELS,
            registry=registry,
        )

    async def start(self) -> None:
        """Begin to sample; the log need not answer yet."""
        self._sampling.start()

    async def stop(self) -> None:
        await self._sampling.stop()

    async def watch(self) -> None:
        await self._sampling.watch()

    async def sample(self) -> None:
        try:
            standings = await self._groups.standings()
        except DependencyUnavailableError as error:
            self._forget()
            if not self._is_away:
                log.warning("event_metrics_delayed", code=error.code)
            self._is_away = True
            return
        self._is_away = False
        self._forget()
        for standing in standings:
            self._show(standing)

    def _show(self, standing: Standing) -> None:
        labels = (standing.topic, standing.group)
        self._lag.labels(*labels).set(standing.lag)
        self._dead_letters.labels(*labels).set(standing.dead_letters)
        self._oldest_age_s.labels(*labels).set(self._age_s(standing.oldest_published_at_ms))

    def _age_s(self, published_at_ms: int | None) -> float:
        if published_at_ms is None:
            return 0.0
        return max(0.0, self._clock() - published_at_ms / 1000)

    def _forget(self) -> None:
        for gauge in (self._lag, self._oldest_age_s, self._dead_letters):
            gauge.clear()
