"""Tests of clientsphere_common.vectors.edge.upkeep: when the index is optimised."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import pytest

from clientsphere_common.vectors.edge.engine import ShardEngine
from clientsphere_common.vectors.edge.process import ShardFailedError
from clientsphere_common.vectors.edge.shard import Backlog
from clientsphere_common.vectors.edge.upkeep import IndexUpkeep, UpkeepSettings

SETTINGS = UpkeepSettings(check_interval_s=0.0, min_backlog=100, max_backlog_share=0.25)


class FakeEngine:
    """Tells one backlog after another, the last one for ever; `failures` come first."""

    def __init__(self, *backlogs: Backlog, failures: tuple[Exception, ...] = ()) -> None:
        self._backlogs = deque(backlogs)
        self._failures = deque(failures)
        self.optimised = 0
        self.was_optimised = asyncio.Event()

    async def read(self, _method: Any) -> Backlog:
        if self._failures:
            raise self._failures.popleft()
        return self._backlogs.popleft() if len(self._backlogs) > 1 else self._backlogs[0]

    async def optimise(self) -> None:
        self.optimised += 1
        self.was_optimised.set()


def upkeep_of(engine: FakeEngine) -> IndexUpkeep:
    return IndexUpkeep(cast(ShardEngine, engine), SETTINGS)


class TestCheck:
    @pytest.mark.parametrize(
        ("backlog", "optimised"),
        [
            (Backlog(points=0, changes=0), 0),
            (Backlog(points=99, changes=99), 0),
            (Backlog(points=100, changes=100), 1),
            (Backlog(points=1000, changes=249), 0),
            (Backlog(points=1000, changes=250), 1),
        ],
    )
    async def test_it_optimises_when_enough_has_changed(
        self, backlog: Backlog, optimised: int
    ) -> None:
        engine = FakeEngine(backlog)
        await upkeep_of(engine).check()
        assert engine.optimised == optimised

    async def test_what_optimising_could_not_help_does_not_count_again(self) -> None:
        engine = FakeEngine(Backlog(points=150, changes=150))
        upkeep = upkeep_of(engine)
        for _ in range(3):
            await upkeep.check()
        assert engine.optimised == 1


class TestLoop:
    async def test_it_checks_again_and_again(self) -> None:
        engine = FakeEngine(Backlog(0, 0), Backlog(0, 0), Backlog(points=100, changes=100))
        await self._run_until_optimised(engine)

    @pytest.mark.parametrize("failure", [ShardFailedError("died"), OSError("disk full")])
    async def test_a_failure_is_followed_by_another_try(self, failure: Exception) -> None:
        engine = FakeEngine(Backlog(points=100, changes=100), failures=(failure,))
        await self._run_until_optimised(engine)

    async def test_whoever_watches_learns_of_a_bug(self) -> None:
        upkeep = upkeep_of(FakeEngine(Backlog(0, 0), failures=(ZeroDivisionError(),)))
        upkeep.start()
        with pytest.raises(ZeroDivisionError):
            await upkeep.watch()
        await upkeep.stop()

    async def _run_until_optimised(self, engine: FakeEngine) -> None:
        upkeep = upkeep_of(engine)
        upkeep.start()
        async with asyncio.timeout(5):
            await engine.was_optimised.wait()
        await upkeep.stop()
