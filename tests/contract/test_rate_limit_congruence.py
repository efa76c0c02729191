"""Every rate limiter decides as exact arithmetic does, whatever it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.rate_limits.model import (
    Bucket,
    ConcurrencyLimit,
    RateLimit,
)
from tests.contract.rate_limiters import (
    US_PER_S,
    InProcessUnderTest,
    RedisClockedByTest,
    Taker,
    connected,
    is_admitted,
)
from tests.harness.redis_server import RedisUnderTest

LIMITS = st.sampled_from(
    [
        RateLimit(f"{n}-{burst}-{is_shadow}", n, burst, is_shadow)
        for n in (7, 61, 6000, 999_983)
        for burst in (1, 2, 5)
        for is_shadow in (False, False, True)
    ]
)
AMOUNTS = st.integers(1, 7)
BUCKETS = st.one_of(
    st.builds(Bucket, LIMITS, st.sampled_from("kq"), AMOUNTS),
    st.builds(Bucket, LIMITS, st.sampled_from("hg"), AMOUNTS, st.just(True)),
    st.builds(
        Bucket,
        st.builds(ConcurrencyLimit, st.just("place"), st.just(3)),
        st.just("h"),
        is_held=st.just(True),
    ),
)


@dataclass(frozen=True)
class Step:
    gap_us: int
    buckets: list[Bucket]
    settled: int
    """Which of the claims that hold something ends after this one, counted from the oldest."""
    used: int


PROGRAMS = st.lists(
    st.builds(
        Step,
        gap_us=st.one_of(st.integers(0, 200), st.integers(0, 20 * US_PER_S)),
        buckets=st.lists(BUCKETS, min_size=1, max_size=4, unique_by=lambda one: one.path),
        settled=st.integers(0, 5),
        used=st.integers(0, 9),
    ),
    max_size=30,
)


class TestCongruence:
    @given(program=PROGRAMS)
    def test_both_decide_alike_and_as_exact_arithmetic_does(
        self, redis_server: RedisUnderTest, program: list[Step]
    ) -> None:
        asyncio.run(self._run(redis_server.url, program))

    async def _run(self, url: str, program: list[Step]) -> None:
        async with connected(url) as server:
            clocked = RedisClockedByTest(server, hold_s=1e6)
            here, there, exact = Taker(InProcessUnderTest()), Taker(clocked), ExactModel()
            for number, step in enumerate(program):
                for one in (here, there):
                    await one.under_test.pass_time(step.gap_us)
                standings = await here.claim(*step.buckets, claim_id=str(number))
                assert await there.claim(*step.buckets, claim_id=str(number)) == standings
                expected = exact.is_admitted(step.gap_us, step.buckets, number)
                assert expected is is_admitted(standings)
                for bucket, claim_id in exact.end_one(step.settled, step.used):
                    here.settle(bucket, claim_id, step.used)
                    there.settle(bucket, claim_id, step.used)
                await clocked.limiter.flush()


class ExactModel:
    """Token buckets in rational numbers, by name and key."""

    def __init__(self) -> None:
        self._now_us = 0
        self._tokens: dict[str, tuple[Fraction, int]] = {}
        self._held: dict[int, list[Bucket]] = {}

    def is_admitted(self, gap_us: int, buckets: list[Bucket], number: int) -> bool:
        self._now_us += gap_us
        free = {one: self._refilled(one) - self._set_aside(one) for one in buckets}
        fitting = [one for one in buckets if free[one] >= one.wanted]
        if any(one not in fitting and not one.limit.is_shadow for one in buckets):
            return False
        for one in fitting:
            if not one.is_held:
                self._tokens[one.path] = (self._refilled(one) - one.wanted, self._now_us)
        self._held[number] = [one for one in fitting if one.is_held]
        return True

    def end_one(self, place: int, used: int) -> list[tuple[Bucket, str]]:
        holding = [number for number, held in self._held.items() if held]
        if place >= len(holding):
            return []
        ended = self._held.pop(holding[place])
        for one in ended:
            self._tokens[one.path] = (self._refilled(one) - used, self._now_us)
        return [(one, str(holding[place])) for one in ended]

    def _set_aside(self, bucket: Bucket) -> int:
        held = [one for each in self._held.values() for one in each]
        return sum(one.wanted for one in held if one.path == bucket.path)

    def _refilled(self, bucket: Bucket) -> Fraction:
        burst = Fraction(bucket.limit.burst)
        count, at_us = self._tokens.get(bucket.path, (burst, self._now_us))
        return min(burst, count + Fraction(self._now_us - at_us, bucket.limit.interval_us))
