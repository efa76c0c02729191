"""What was read from the tables a moment ago, so that not every request reads it again."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from clientsphere_common.errors import DependencyUnavailableError

T = TypeVar("T")

LIFETIME_S = 4.0
"""A second less than the five in which a change must have reached every process."""
_CAPACITY = 4096


class Remembered(Generic[T]):
    """Answers for four seconds at most from when the tables were asked, not from their answer."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def find(self, key: str, look_up: Callable[[], Awaitable[T | None]]) -> T | None:
        """What is known of `key`, or what `look_up` finds; that there is nothing is not kept.

        Raises DependencyUnavailableError for an answer that took so long that it may be wrong.
        """
        known = self.recall(key)
        if known is not None:
            return known
        asked_at = self._monotonic()
        found = await look_up()
        if self._monotonic() >= asked_at + LIFETIME_S:
            raise DependencyUnavailableError(
                "database_unavailable", "The database is not answering.", retry_after_s=1
            )
        # While this one looked, it may have been changed here: what was kept since wins.
        newer = self.recall(key)
        if newer is None and found is not None:
            self._keep(key, found, asked_at)
        return newer or found

    def replace(self, key: str, value: T) -> None:
        """Know from here on what this process has just written."""
        self._keep(key, value, self._monotonic())

    def recall(self, key: str) -> T | None:
        """What is known of `key` without looking."""
        asked_at, value = self._kept.get(key, (-math.inf, None))
        return value if self._monotonic() < asked_at + LIFETIME_S else None

    def _keep(self, key: str, value: T, asked_at: float) -> None:
        self._kept[key] = (asked_at, value)
        self._kept.move_to_end(key)
        if len(self._kept) > _CAPACITY:
            self._kept.popitem(last=False)
