"""Who routes calls hears of a process that becomes ready, or stops being it."""

from __future__ import annotations

import asyncio

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.process.readiness_watch import ReadinessWatch
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Check
from tests.harness.modules import running


class Tables:
    is_away = False

    async def check(self) -> None:
        if self.is_away:
            raise DependencyUnavailableError("tables_unavailable", "The tables are away.")


class Router:
    """Hears whether calls are welcome."""

    def __init__(self) -> None:
        self.heard: list[bool] = []
        self._news = asyncio.Event()

    async def __call__(self, is_ready: bool) -> None:
        self.heard.append(is_ready)
        self._news.set()

    async def next(self) -> bool:
        await asyncio.wait_for(self._news.wait(), 5)
        self._news.clear()
        return self.heard[-1]


class TestReadinessWatch:
    async def test_tells_of_every_change_once(self) -> None:
        state, tables, router = ProcessState(), Tables(), Router()
        async with running(ReadinessWatch(state, router, every_s=0.001)):
            assert await router.next() is False
            state.serves([Check("tables", tables.check)])
            assert await router.next() is True
            tables.is_away = True
            assert await router.next() is False
            tables.is_away = False
            assert await router.next() is True
        assert router.heard == [False, True, False, True, False]

    async def test_is_content_with_the_log_where_nobody_routes(self) -> None:
        state = ProcessState()
        state.serves([])
        async with running(ReadinessWatch(state, every_s=0.001)):
            await asyncio.sleep(0.01)
