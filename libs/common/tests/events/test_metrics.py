"""The metrics of the event log while it answers, and while it does not."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.metrics import EventMetrics
from clientsphere_common.events.model import Standing

NOW_S = 1_000_000.0


class FakeOperations:
    """Tells the standings it is given; away without any."""

    def __init__(self, *standings: Standing) -> None:
        self.standings_told: list[Standing] | None = list(standings)
        self.asked = asyncio.Event()

    async def standings(self) -> list[Standing]:
        self.asked.set()
        if self.standings_told is None:
            raise DependencyUnavailableError("event_log_unavailable", "The log is away.")
        return self.standings_told


def behind(group: str = "workers") -> Standing:
    return Standing("documents", group, 7, int((NOW_S - 90) * 1000), 2)


def metrics_of(operations: FakeOperations, registry: CollectorRegistry) -> EventMetrics:
    return EventMetrics(operations, registry, every_s=0.001, clock=lambda: NOW_S)


def values(registry: CollectorRegistry, group: str = "workers") -> list[float | None]:
    labels = {"topic": "documents", "group": group}
    names = ("lag", "oldest_age_seconds", "dead_letters")
    return [registry.get_sample_value(f"clientsphere_event_{name}", labels) for name in names]


class TestEventMetrics:
    async def test_show_how_far_each_group_is_behind(self) -> None:
        registry = CollectorRegistry()
        caught_up = Standing("documents", "auditors", 0, None, 0)
        await metrics_of(FakeOperations(behind(), caught_up), registry).sample()
        assert values(registry) == [7, 90, 2]
        assert values(registry, "auditors") == [0, 0, 0]

    async def test_an_age_is_never_negative(self) -> None:
        registry = CollectorRegistry()
        ahead = Standing("documents", "workers", 1, int((NOW_S + 5) * 1000), 0)
        await metrics_of(FakeOperations(ahead), registry).sample()
        assert values(registry) == [1, 0, 0]

    async def test_nothing_is_told_while_the_log_is_away(self) -> None:
        registry, operations = CollectorRegistry(), FakeOperations(behind())
        metrics = metrics_of(operations, registry)
        await metrics.sample()
        operations.standings_told = None
        for _ in range(2):
            await metrics.sample()
            assert values(registry) == [None, None, None]
        operations.standings_told = [behind()]
        await metrics.sample()
        assert values(registry) == [7, 90, 2]

    async def test_a_group_that_is_gone_is_no_longer_told(self) -> None:
        registry, operations = CollectorRegistry(), FakeOperations(behind(), behind("old"))
        metrics = metrics_of(operations, registry)
        await metrics.sample()
        operations.standings_told = [behind()]
        await metrics.sample()
        assert values(registry, "old") == [None, None, None]

    async def test_they_are_taken_again_and_again_until_it_stops(self) -> None:
        operations = FakeOperations(behind())
        metrics = metrics_of(operations, CollectorRegistry())
        await metrics.start()
        for _ in range(3):
            operations.asked.clear()
            await operations.asked.wait()
        await metrics.stop()

    async def test_its_watcher_learns_of_a_bug(self) -> None:
        operations = FakeOperations()
        operations.standings = None  # type: ignore[assignment, method-assign]  # a bug, made certain
        metrics = metrics_of(operations, CollectorRegistry())
        await metrics.start()
        raised = await asyncio.gather(metrics.watch(), return_exceptions=True)
        assert isinstance(raised[0], TypeError)
