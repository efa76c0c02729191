"""RemoteCalls: breaker, retries, budget and places around one call."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DeadlineExceededError, DependencyUnavailableError
from clientsphere_common.request import set_timeout
from clientsphere_common.resilience.breaker import BreakerPolicy
from clientsphere_common.resilience.bulkhead import BulkheadPolicy
from clientsphere_common.resilience.calls import CallPolicy, RemoteCalls
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.resilience.retries import RetryPolicy

RETRIES = RetryPolicy(tries=2, retry_on=frozenset({"away"}), first_pause_s=0.001)
POLICY = CallPolicy(
    RETRIES, breaker=BreakerPolicy(failures=4, open_s=60), bulkhead=BulkheadPolicy(1, 0)
)


class Dependency:
    def __init__(self) -> None:
        self.is_there = False
        self.asked = 0

    async def ask(self) -> str:
        self.asked += 1
        if not self.is_there:
            raise DependencyUnavailableError("away", "It is away.")
        return "answer"


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


async def outage(calls: RemoteCalls, dependency: Dependency, n_calls: int) -> list[str]:
    """The codes that the callers were given."""
    codes = []
    for _ in range(n_calls):
        with pytest.raises(DependencyUnavailableError) as failed:
            await calls.run(dependency.ask)
        codes.append(failed.value.code)
    return codes


class TestRun:
    async def test_every_try_counts_for_the_breaker(self, dependency: Dependency) -> None:
        codes = await outage(RemoteCalls("engine", POLICY), dependency, 4)
        assert codes == ["away", "away", "circuit_open", "circuit_open"]
        assert dependency.asked == 4

    async def test_a_call_takes_its_place_for_all_its_tries(self, dependency: Dependency) -> None:
        calls = RemoteCalls("engine", POLICY)
        async with calls.place():
            with pytest.raises(DependencyUnavailableError) as refused:
                await calls.run(dependency.ask)
            assert refused.value.code == "too_many_calls"
            dependency.is_there = True
            assert await calls.attempt(dependency.ask) == "answer"

    async def test_callers_without_time_do_not_open_the_breaker(
        self, dependency: Dependency
    ) -> None:
        async def hurried() -> None:
            set_timeout(0.01)
            await calls.run(asyncio.Event().wait)

        calls = RemoteCalls("engine", POLICY)
        for _ in range(6):
            with pytest.raises(DeadlineExceededError):
                await asyncio.create_task(hurried())
        dependency.is_there = True
        assert await calls.run(dependency.ask) == "answer"

    async def test_the_time_of_a_request_ends_its_wait_for_a_place(
        self, dependency: Dependency
    ) -> None:
        calls = RemoteCalls("engine", CallPolicy(RETRIES, bulkhead=BulkheadPolicy(1, 1)))
        async with calls.place():
            set_timeout(0.01)
            with pytest.raises(DeadlineExceededError):
                await calls.run(dependency.ask)
        assert dependency.asked == 0


class TestCheck:
    async def test_that_succeeds_ends_the_refusals(self, dependency: Dependency) -> None:
        calls = RemoteCalls("engine", POLICY)
        await outage(calls, dependency, 3)
        dependency.is_there = True
        assert await calls.check(dependency.ask) == "answer"
        assert await calls.run(dependency.ask) == "answer"


class TestMetrics:
    async def test_tell_the_state_of_each_breaker(self, dependency: Dependency) -> None:
        registry = CollectorRegistry()
        metrics = CallMetrics(registry)
        RemoteCalls("model", POLICY, metrics)
        calls = RemoteCalls("engine", POLICY, metrics)
        await outage(calls, dependency, 3)
        states = {
            name: registry.get_sample_value("clientsphere_breaker_state", {"dependency": name})
            for name in ("engine", "model")
        }
        assert states == {"engine": 2, "model": 0}
