"""What a caller puts around its calls to one dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from clientsphere_common.resilience.breaker import BreakerPolicy, BreakerState, CircuitBreaker
from clientsphere_common.resilience.bulkhead import Bulkhead, BulkheadPolicy
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.resilience.retries import Retries, RetryPolicy
from clientsphere_common.resilience.retry_budget import BudgetPolicy, RetryBudget
from clientsphere_common.resilience.timeouts import within_request_time

T = TypeVar("T")


@dataclass(frozen=True)
class CallPolicy:
    retries: RetryPolicy
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    bulkhead: BulkheadPolicy = field(default_factory=BulkheadPolicy)


class RemoteCalls:
    """All calls of a process to one dependency share the breaker, the budget and the places.

    The work handed in has a timeout of its own for each try and raises ServiceErrors.
    """

    def __init__(
        self, dependency: str, policy: CallPolicy, metrics: CallMetrics | None = None
    ) -> None:
        def announce(state: BreakerState) -> None:
            if metrics is not None:
                metrics.set_state(dependency, state)

        self._bulkhead = Bulkhead(dependency, policy.bulkhead)
        self._retries = Retries(dependency, policy.retries, RetryBudget(policy.budget))
        self._breaker = CircuitBreaker(dependency, policy.breaker, announce)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, at the latest at the request's deadline."""
        async with self.place():
            return await self.attempt(work)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Room for one call. For those that go on after `attempt`: streams."""
        async with AsyncExitStack() as place:
            async with within_request_time():
                await place.enter_async_context(self._bulkhead.place())
            yield

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T:
        """`run`, for who has a place already."""
        async with within_request_time():
            return await self._retries.run(lambda: self._breaker.call(work))

    async def check(self, work: Callable[[], Awaitable[T]]) -> T:
        """Ask for the sake of readiness: once, whatever became of the calls before."""
        return await self._breaker.check(work)
