"""A cache on Redis, shared by all processes."""

from __future__ import annotations

import math
from typing import Any

from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.cache.model import CacheKey
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.redis.server import RedisServer


class RedisCache:
    """How much it keeps and what goes first is the server's to say (`maxmemory-policy`)."""

    def __init__(self, server: RedisServer, metrics: CacheMetrics) -> None:
        self._server = server
        self._metrics = metrics

    async def get(self, key: CacheKey) -> bytes | None:
        try:
            value: bytes | None = await self._server.call("GET", _name(key))
        except DependencyUnavailableError:
            self._metrics.failures.inc()
            return None
        (self._metrics.misses if value is None else self._metrics.hits).inc()
        return value

    async def set(self, key: CacheKey, value: bytes, ttl_s: float) -> None:
        # Down, so that nothing is kept for too long; 0 would be refused.
        ttl_ms = max(1, math.floor(ttl_s * 1000))
        await self._write("SET", _name(key), value, "PX", ttl_ms)

    async def delete(self, key: CacheKey) -> None:
        await self._write("UNLINK", _name(key))

    async def _write(self, *command: Any) -> None:
        try:
            await self._server.call(*command)
        except DependencyUnavailableError:
            self._metrics.failures.inc()
        else:
            self._metrics.writes.inc()


def _name(key: CacheKey) -> str:
    return f"clientsphere:cache:{key.path}"
