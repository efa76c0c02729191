"""Counting goes on when the shared count is out of reach, and every such request is told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.fallback import RateLimiterWithFallback
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Bucket, RateLimit, Standing

BUCKETS = [Bucket(RateLimit("one", 1, 2), "k")]


class FakeShared:
    def __init__(self) -> None:
        self.is_away = False
        self._limiter = InProcessRateLimiter(lambda: 0)

    async def take(self, buckets: Sequence[Bucket]) -> list[Standing]:
        if self.is_away:
            raise DependencyUnavailableError("redis_unavailable", "Redis does not answer.")
        return await self._limiter.take(buckets)


@pytest.fixture
def shared() -> FakeShared:
    return FakeShared()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def limiter(shared: FakeShared, registry: CollectorRegistry) -> RateLimiterWithFallback:
    return RateLimiterWithFallback(shared, InProcessRateLimiter(lambda: 0), registry)


async def remaining(limiter: RateLimiterWithFallback) -> int:
    (standing,) = await limiter.take(BUCKETS)
    return standing.remaining


def fallbacks(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("clientsphere_rate_limit_fallbacks_total")


class TestRateLimiterWithFallback:
    async def test_counts_together_while_it_can(
        self, limiter: RateLimiterWithFallback, registry: CollectorRegistry
    ) -> None:
        assert [await remaining(limiter) for _ in range(3)] == [1, 0, 0]
        assert fallbacks(registry) == 0

    async def test_counts_alone_meanwhile(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        assert await remaining(limiter) == 1
        shared.is_away = True
        assert [await remaining(limiter) for _ in range(3)] == [1, 0, 0]
        assert fallbacks(registry) == 3

    async def test_counts_together_again(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        shared.is_away = True
        await remaining(limiter)
        shared.is_away = False
        assert [await remaining(limiter) for _ in range(2)] == [1, 0]
        assert fallbacks(registry) == 1
