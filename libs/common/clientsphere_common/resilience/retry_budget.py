"""Bounds what retries add to the load of a dependency, however many callers retry."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_ROUNDING = 1e-9
"""Ten tenths are a little less than one."""


@dataclass(frozen=True)
class BudgetPolicy:
    per_call: float = 0.1
    """Retries that each call earns: at most a tenth more load."""
    per_s: float = 0.2
    """Retries earned by waiting, so that a dependency with few calls has some too."""
    reserve: float = 10.0
    """Most that can be saved up; there from the start."""


class RetryBudget:
    """A token bucket, as in Finagle's RetryBudget: calls earn, retries spend.

    So the retries of any stretch of time are at most
    `reserve + per_call * calls + per_s * seconds`.
    """

    def __init__(self, policy: BudgetPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._saved = policy.reserve
        self._counted_at_s = clock()

    def earn(self) -> None:
        """Count a call, whatever becomes of it."""
        self._add(self._policy.per_call)

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        self._add(0)
        if self._saved < 1 - _ROUNDING:
            return False
        self._saved -= 1
        return True

    def _add(self, retries: float) -> None:
        now_s = self._clock()
        waited_s, self._counted_at_s = now_s - self._counted_at_s, now_s
        earned = retries + waited_s * self._policy.per_s
        self._saved = min(self._policy.reserve, self._saved + earned)
