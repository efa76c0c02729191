"""Keeps a slow dependency from taking up the whole process: so many calls at once, no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clientsphere_common.errors import DependencyUnavailableError

_RETRY_AFTER_S = 1.0


@dataclass(frozen=True)
class BulkheadPolicy:
    running: int = 128
    """Calls at once."""
    waiting: int = 128
    """Calls that wait for their turn, in the order in which they came."""


class Bulkhead:
    def __init__(self, dependency: str, policy: BulkheadPolicy) -> None:
        self._dependency = dependency
        self._policy = policy
        self._places = asyncio.Semaphore(policy.running)
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Raises DependencyUnavailableError at once when too many are waiting already."""
        await self._enter()
        try:
            yield
        finally:
            self._places.release()

    async def _enter(self) -> None:
        if self._places.locked() and self._waiting >= self._policy.waiting:
            raise DependencyUnavailableError(
                "too_many_calls",
                f"Too many calls to the {self._dependency} are waiting already.",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
