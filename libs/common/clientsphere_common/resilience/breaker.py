"""Stops calls to a dependency that keeps failing, and finds out by single calls when it is back.

pybreaker keeps the states and counts the failures. Its `calling()` is entered only when a call's
outcome is known: held open around an `await` it would count a cancelled call as a failure or a
success where it is neither, let every caller try at once in the half-open state, count failures
of calls from before the last change of state, and go by a clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import pybreaker
import structlog

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    ServiceError,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

_FAILURES = (DependencyUnavailableError, DeadlineExceededError)


class BreakerState(IntEnum):
    """As the numbers that the metric has."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


_STATES = {
    pybreaker.STATE_CLOSED: BreakerState.CLOSED,
    pybreaker.STATE_HALF_OPEN: BreakerState.HALF_OPEN,
    pybreaker.STATE_OPEN: BreakerState.OPEN,
}


@dataclass(frozen=True)
class BreakerPolicy:
    failures: int = 5
    """In a row, until calls are refused."""
    open_s: float = 1.0
    """How long they are, before one may try."""


class CircuitBreaker:
    """DependencyUnavailableError and DeadlineExceededError are failures of `dependency`.

    By any other ServiceError it has answered. A call that is cancelled, or that a bug of ours
    ends, tells nothing about it.
    """

    def __init__(
        self,
        dependency: str,
        policy: BreakerPolicy,
        on_change: Callable[[BreakerState], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dependency = dependency
        self._policy = policy
        self._clock = clock
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=policy.failures,
            listeners=[_Announcing(dependency, on_change)],
            throw_new_error_on_trip=False,
        )
        self._opened_at_s = 0.0
        self._is_trying = False
        self._period = 0
        """Calls admitted in another than the present one come too late to say anything."""
        on_change(BreakerState.CLOSED)

    @property
    def state(self) -> BreakerState:
        return _STATES[self._circuit.current_state]

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives or raises; DependencyUnavailableError at once where it may not run."""
        period = self._admit()
        has_failed: bool | None = None
        try:
            answer = await work()
            has_failed = False
        except ServiceError as error:
            has_failed = isinstance(error, _FAILURES)
            raise
        finally:
            self._settle(period, has_failed)
        return answer

    async def check(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, in any state; when it answers, calls are welcome from now on."""
        answer = await work()
        if self.state is not BreakerState.CLOSED:
            self._begin_period()
            self._circuit.close()
        return answer

    def _admit(self) -> int:
        if self.state is BreakerState.CLOSED:
            return self._period
        if self._is_trying or self._wait_s() > 0:
            raise DependencyUnavailableError(
                "circuit_open",
                f"The {self._dependency} has stopped answering; calls to it wait a moment.",
                retry_after_s=self._wait_s() or self._policy.open_s,
            )
        if self.state is BreakerState.OPEN:
            self._circuit.half_open()
        self._begin_period()
        self._is_trying = True
        return self._period

    def _settle(self, period: int, has_failed: bool | None) -> None:
        if period != self._period:
            return
        self._is_trying = False
        if has_failed is None:
            return
        with suppress(_CallFailedError), self._circuit.calling():
            if has_failed:
                raise _CallFailedError
        if self.state is BreakerState.OPEN:
            self._begin_period()
            self._opened_at_s = self._clock()

    def _begin_period(self) -> None:
        self._period += 1
        self._is_trying = False

    def _wait_s(self) -> float:
        return max(0.0, self._opened_at_s + self._policy.open_s - self._clock())


class _CallFailedError(Exception):
    """Tells pybreaker of a failure that has its own exception already."""


class _Announcing(pybreaker.CircuitBreakerListener):
    def __init__(self, dependency: str, on_change: Callable[[BreakerState], None]) -> None:
        self._dependency = dependency
        self._on_change = on_change

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        state = _STATES[new_state.name]
        log.warning("breaker_changed", dependency=self._dependency, state=state.name.lower())
        self._on_change(state)
