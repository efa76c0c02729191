"""What is particular to counting in the process; the law is in the contract suite."""

from __future__ import annotations

import pytest

from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import (
    Bucket,
    Claim,
    ConcurrencyLimit,
    RateLimit,
    Settlement,
)

MINUTE_US = 60_000_000


class ClockUs:
    now_us = 5_000_000

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> ClockUs:
    return ClockUs()


async def admits(limiter: InProcessRateLimiter, limit: RateLimit, key: str = "k") -> bool:
    (standing,) = await limiter.take(Claim([Bucket(limit, key)]))
    return not standing.retry_after_s


class TestInProcessRateLimiter:
    @pytest.mark.parametrize("per_minute", [7, 59, 61, 999])
    async def test_rates_that_do_not_divide_a_minute_are_not_exceeded(
        self, clock: ClockUs, per_minute: int
    ) -> None:
        limiter, limit, admitted = InProcessRateLimiter(clock), RateLimit("one", per_minute, 1), 0
        for _ in range(3 * per_minute):
            admitted += await admits(limiter, limit)
            clock.now_us += MINUTE_US // (per_minute * 3)
        assert 0.6 * per_minute <= admitted <= per_minute + 1

    async def test_buckets_that_are_full_again_are_forgotten(self, clock: ClockUs) -> None:
        limiter, limit = InProcessRateLimiter(clock), RateLimit("address", 60, 5)
        for number in range(20_000):
            await admits(limiter, limit, f"address-{number}")
            clock.now_us += 1_000
        # Each is full after a second, in which a thousand others come.
        assert limiter.bucket_count <= 4_000

    async def test_buckets_that_are_not_full_are_never_forgotten(self, clock: ClockUs) -> None:
        limiter, limit = InProcessRateLimiter(clock), RateLimit("address", 1, 1)
        assert await admits(limiter, limit, "first")
        for number in range(5_000):
            await admits(limiter, limit, f"address-{number}")
        assert not await admits(limiter, limit, "first")

    async def test_runs_by_the_clock_of_the_machine(self) -> None:
        limiter, limit = InProcessRateLimiter(), RateLimit("one", 1, 1)
        assert await admits(limiter, limit)
        assert not await admits(limiter, limit)

    async def test_what_is_owed_is_told_rounded_up(self, clock: ClockUs) -> None:
        limiter, bucket = InProcessRateLimiter(clock), Bucket(RateLimit("one", 60, 5), "k")
        owed = [limiter.owed(bucket)]
        for _ in range(2):
            await limiter.take(Claim([bucket]))
        for passed_us in (0, 999_999, 1, 999_999, 1):
            clock.now_us += passed_us
            owed.append(limiter.owed(bucket))
        assert owed == [0, 2, 2, 1, 1, 0]

    async def test_what_is_not_held_any_more_is_forgotten(self, clock: ClockUs) -> None:
        limiter = InProcessRateLimiter(clock)
        place = Bucket(ConcurrencyLimit("place", 2), "k", is_held=True)
        for number in range(2):
            await limiter.take(Claim([place], str(number)))
        limiter.settle([Settlement(place, str(number)) for number in range(2)])
        assert limiter.bucket_count == 0
