"""Tries again what may work the next time: after a while, a few times, within a budget.

The loop is backoff's; what it waits for, and when it gives up, is decided here.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import backoff
import structlog

from clientsphere_common.errors import ServiceError
from clientsphere_common.request import remaining_s
from clientsphere_common.resilience.retry_budget import RetryBudget

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    tries: int
    """Of one call, the first included."""
    retry_on: frozenset[str]
    """Codes of the failures after which the same call may succeed, and does no harm."""
    first_pause_s: float = 0.1
    """Longest pause before the second try; twice as long before the third, and so on."""
    longest_pause_s: float = 2.0
    """A dependency that asks for more than this is not waited for."""


class Retries:
    """Pauses are drawn from zero to the longest ("full jitter"), so that callers drift apart:
    Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(
        self,
        dependency: str,
        policy: RetryPolicy,
        budget: RetryBudget,
        jitter: Callable[[float], float] = backoff.full_jitter,
    ) -> None:
        self._dependency = dependency
        self._policy = policy
        self._budget = budget
        self._jitter = jitter

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives; raises its last failure."""

        async def attempt() -> T:
            return await work()

        self._budget.earn()
        trying = backoff.on_exception(
            self._pauses,
            ServiceError,
            max_tries=self._policy.tries,
            giveup=lambda error: getattr(error, "code", "") not in self._policy.retry_on,
            jitter=None,
            logger=None,
        )
        return await trying(attempt)()

    # Any: what backoff sends in is the failure, which its own types do not tell.
    def _pauses(self) -> Generator[float, Any, None]:
        """Before each further try, in seconds; ends when there is to be none."""
        longest_s = backoff.expo(
            factor=self._policy.first_pause_s, max_value=self._policy.longest_pause_s
        )
        next(longest_s)
        error: ServiceError = yield 0.0
        while True:
            pause_s = error.retry_after_s + self._jitter(next(longest_s))
            if not self._may_wait(error, pause_s):
                return
            log.info("call_repeated", dependency=self._dependency, code=error.code)
            error = yield pause_s

    def _may_wait(self, error: ServiceError, pause_s: float) -> bool:
        if error.retry_after_s > self._policy.longest_pause_s:
            return False
        if pause_s >= remaining_s(math.inf):
            return False
        return self._budget.spend()
