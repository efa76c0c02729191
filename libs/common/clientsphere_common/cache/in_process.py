"""A cache in the memory of this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.cache.model import CacheKey

_ENTRY_BYTES = 400
"""Of an entry of the dictionary with its objects, measured on CPython 3.11."""


@dataclass(frozen=True)
class _Entry:
    value: bytes
    expires_at_s: float


class InProcessCache:
    """Takes at most `max_bytes` of memory; what was not used for longest goes first."""

    def __init__(
        self, max_bytes: int, metrics: CacheMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def get(self, key: CacheKey) -> bytes | None:
        entry = self._entries.get(key.path)
        if entry is None or entry.expires_at_s <= self._clock():
            self._drop(key.path)
            self._metrics.misses.inc()
            return None
        self._entries.move_to_end(key.path)
        self._metrics.hits.inc()
        return entry.value

    async def set(self, key: CacheKey, value: bytes, ttl_s: float) -> None:
        self._drop(key.path)
        self._entries[key.path] = _Entry(value, self._clock() + ttl_s)
        self._size_bytes += _size_bytes(key.path, value)
        while self._size_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))
        self._metrics.writes.inc()

    async def delete(self, key: CacheKey) -> None:
        self._drop(key.path)
        self._metrics.writes.inc()

    def _drop(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is not None:
            self._size_bytes -= _size_bytes(path, entry.value)


def _size_bytes(path: str, value: bytes) -> int:
    return _ENTRY_BYTES + len(path) + len(value)
