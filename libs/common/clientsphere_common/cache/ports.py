"""What services need from a cache."""

from __future__ import annotations

from typing import Protocol

from clientsphere_common.cache.model import CacheKey


class Cache(Protocol):
    """May lose anything at any time, and never fails: a cache that is away or slow has nothing."""

    async def get(self, key: CacheKey) -> bytes | None:
        """None for a value that was never set, has expired or was lost."""
        ...

    async def set(self, key: CacheKey, value: bytes, ttl_s: float) -> None:
        """Keep `value` for at most `ttl_s` seconds, in the place of an earlier one."""
        ...

    async def delete(self, key: CacheKey) -> None:
        """Forget the value. While the cache is away it stays, until its time is over."""
        ...
