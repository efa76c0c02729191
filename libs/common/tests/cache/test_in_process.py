"""What the cache in the process throws away, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.cache.model import CacheKey

ENTRY_BYTES = 1000


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def new_cache(clock: Clock, entries: int = 3) -> InProcessCache:
    return InProcessCache(entries * ENTRY_BYTES, CacheMetrics(CollectorRegistry()), clock)


def key(name: str) -> CacheKey:
    return CacheKey("tnt_a", (name,))


async def fill(cache: InProcessCache, *names: str) -> None:
    """One entry of somewhat less than ENTRY_BYTES for each name."""
    for name in names:
        await cache.set(key(name), bytes(500), 10)


async def held(cache: InProcessCache, *names: str) -> set[str]:
    return {name for name in names if await cache.get(key(name)) is not None}


class TestInProcessCache:
    async def test_keeps_a_value_until_its_time_is_over(self, clock: Clock) -> None:
        cache = new_cache(clock)
        await fill(cache, "a")
        clock.now_s += 9.99
        assert await held(cache, "a") == {"a"}
        clock.now_s += 0.01
        assert await held(cache, "a") == set()
        assert cache.size_bytes == 0

    async def test_throws_away_what_was_not_used_for_longest(self, clock: Clock) -> None:
        cache = new_cache(clock, entries=3)
        await fill(cache, "a", "b", "c")
        await cache.get(key("a"))
        await fill(cache, "d")
        assert await held(cache, "a", "b", "c", "d") == {"a", "c", "d"}

    async def test_counts_a_value_that_is_replaced_once(self, clock: Clock) -> None:
        cache = new_cache(clock)
        await fill(cache, "a")
        size_bytes = cache.size_bytes
        await fill(cache, "a")
        assert cache.size_bytes == size_bytes

    async def test_does_not_keep_what_is_larger_than_itself(self, clock: Clock) -> None:
        cache = new_cache(clock, entries=2)
        await fill(cache, "a")
        await cache.set(key("huge"), bytes(2 * ENTRY_BYTES), 10)
        assert await held(cache, "huge") == set()
        assert cache.size_bytes <= 2 * ENTRY_BYTES

    @given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 1500)), max_size=60))
    async def test_never_takes_more_than_its_share(self, writes: list[tuple[str, int]]) -> None:
        cache = new_cache(Clock(), entries=3)
        for name, size_bytes in writes:
            await cache.set(key(name), bytes(size_bytes), 10)
            assert 0 <= cache.size_bytes <= 3 * ENTRY_BYTES
        for name in "abcdef":
            await cache.delete(key(name))
        assert cache.size_bytes == 0
