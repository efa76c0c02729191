"""One suite for every rate limiter, by a clock of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from clientsphere_common.rate_limits.model import (
    Bucket,
    RateLimit,
    Standing,
)
from tests.contract.rate_limiters import (
    PLACE,
    TOKENS,
    InProcessUnderTest,
    LimiterUnderTest,
    RedisClockedByTest,
    Taker,
    connected,
    is_admitted,
)
from tests.harness.eventually import eventually
from tests.harness.modules import running

TENANT = RateLimit("tenant", 60, 3)
PRINCIPAL = RateLimit("principal", 30, 1)


@pytest.fixture(params=["in_process", "redis"])
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[LimiterUnderTest]:
    if request.param == "in_process":
        yield InProcessUnderTest()
    else:
        async with connected(request.getfixturevalue("redis_server").url) as server:
            clocked = RedisClockedByTest(server)
            await clocked.pass_time(0)
            async with running(clocked.limiter):
                yield clocked


@pytest.fixture
def taker(under_test: LimiterUnderTest) -> Taker:
    return Taker(under_test)


class TestEveryRateLimiter:
    async def test_admits_a_burst_at_once_and_not_one_more(self, taker: Taker) -> None:
        admitted = [await taker.is_admitted((TENANT, "a")) for _ in range(5)]
        assert admitted == [True] * 3 + [False] * 2

    async def test_admits_the_rate_after_a_burst(self, taker: Taker) -> None:
        while await taker.is_admitted((TENANT, "a")):
            continue
        await taker.pass_time(0.999_999)
        assert not await taker.is_admitted((TENANT, "a"))
        await taker.pass_time(0.000_001)
        assert await taker.is_admitted((TENANT, "a"))
        assert not await taker.is_admitted((TENANT, "a"))

    async def test_says_what_is_left_and_when_all_of_it_is_back(self, taker: Taker) -> None:
        await taker.take((TENANT, "a"))
        (standing,) = await taker.take((TENANT, "a"))
        assert standing == Standing(TENANT, remaining=1, full_in_s=2.0, retry_after_s=0.0)

    async def test_says_when_to_come_back_and_is_right(self, taker: Taker) -> None:
        await taker.take((PRINCIPAL, "p"))
        await taker.pass_time(0.5)
        (standing,) = await taker.take((PRINCIPAL, "p"))
        assert standing == Standing(PRINCIPAL, remaining=0, full_in_s=1.5, retry_after_s=1.5)
        await taker.pass_time(standing.retry_after_s)
        assert await taker.is_admitted((PRINCIPAL, "p"))

    async def test_counts_what_one_limit_refuses_for_none(self, taker: Taker) -> None:
        assert await taker.is_admitted((TENANT, "t"), (PRINCIPAL, "p"))
        for _ in range(10):
            standings = await taker.take((TENANT, "t"), (PRINCIPAL, "p"))
            assert [one.retry_after_s for one in standings] == [0.0, 2.0]
        (standing,) = await taker.take((TENANT, "t"))
        assert standing.remaining == 1

    async def test_counts_every_key_for_itself(self, taker: Taker) -> None:
        for _ in range(10):
            await taker.take((TENANT, "flooding"))
        assert await taker.is_admitted((TENANT, "other"))
        assert await taker.is_admitted((PRINCIPAL, "flooding"))

    async def test_keeps_names_and_keys_apart(self, taker: Taker) -> None:
        assert await taker.is_admitted((RateLimit("a:b", 1, 1), "c"))
        assert await taker.is_admitted((RateLimit("a", 1, 1), "b:c"))
        assert await taker.is_admitted((RateLimit("a", 1, 1), "b%3Ac"))

    async def test_lets_a_smaller_burst_hold_at_once(self, taker: Taker) -> None:
        while await taker.is_admitted((RateLimit("one", 60, 100), "k")):
            continue
        (standing,) = await taker.take((RateLimit("one", 60, 2), "k"))
        assert (standing.remaining, standing.retry_after_s) == (0, 1.0)

    async def test_admits_what_no_limit_is_asked_for(self, taker: Taker) -> None:
        assert await taker.take() == []

    async def test_counts_right_what_comes_at_once(self, taker: Taker) -> None:
        limit = RateLimit("at_once", 1, 20)
        admitted = await asyncio.gather(*(taker.is_admitted((limit, "k")) for _ in range(100)))
        assert sum(admitted) == 20


class TestWhatIsHeld:
    async def test_is_not_there_for_others_until_it_is_settled(self, taker: Taker) -> None:
        assert is_admitted(await taker.claim(PLACE, claim_id="a"))
        assert is_admitted(await taker.claim(PLACE, claim_id="b"))
        (standing,) = await taker.claim(PLACE, claim_id="c")
        assert (standing.remaining, standing.retry_after_s) == (0, 1.0)
        await taker.pass_time(15)
        assert not is_admitted(await taker.claim(PLACE, claim_id="c"))
        taker.settle(PLACE, "a")
        await eventually(lambda: self._is_admitted(taker, PLACE, "c"))

    async def test_is_charged_as_far_as_it_was_used(self, taker: Taker) -> None:
        assert [(await taker.claim(TOKENS, claim_id=one))[0].remaining for one in "ab"] == [60, 20]
        taker.settle(TOKENS, "a", used=10)
        await eventually(lambda: self._leaves(taker, 50))

    async def test_is_owed_when_more_was_used(self, taker: Taker) -> None:
        await taker.claim(TOKENS, claim_id="a")
        taker.settle(TOKENS, "a", used=250)
        await eventually(lambda: self._leaves(taker, 0))
        (standing,) = await taker.claim(TOKENS, claim_id="b")
        assert (standing.full_in_s, standing.retry_after_s) == (250.0, 190.0)
        await taker.pass_time(190)
        assert is_admitted(await taker.claim(TOKENS, claim_id="b"))

    async def test_is_settled_once(self, taker: Taker) -> None:
        await taker.claim(TOKENS, claim_id="a")
        for _ in range(3):
            taker.settle(TOKENS, "a", used=10)
        taker.settle(TOKENS, "never-held", used=10)
        await eventually(lambda: self._leaves(taker, 90))
        await taker.claim(PLACE, claim_id="z")
        assert await self._leaves(taker, 90)

    async def test_of_more_than_the_burst_waits_for_the_whole_burst(self, taker: Taker) -> None:
        greedy = replace(TOKENS, amount=10**9)
        assert is_admitted(await taker.claim(greedy, claim_id="a"))
        (standing,) = await taker.claim(greedy, claim_id="b")
        assert standing.retry_after_s == 100.0

    async def test_elsewhere_can_be_counted_here_up_to_the_burst(self, taker: Taker) -> None:
        plain = Bucket(RateLimit("plain", 60, 10), "t")
        await taker.claim(plain)

        async def leaves(count: int) -> bool:
            # The whole burst is never there, so that asking for it changes nothing.
            (standing,) = await taker.claim(replace(plain, amount=10))
            return standing.remaining == count

        taker.settle(plain, "", used=4)
        await eventually(lambda: leaves(5))
        taker.settle(plain, "", used=1000)
        await eventually(lambda: leaves(0))
        await taker.pass_time(3)
        assert await leaves(3)

    async def test_of_a_claim_that_was_refused_is_nothing(self, taker: Taker) -> None:
        used_up = Bucket(RateLimit("used_up", 1, 1), "t")
        await taker.claim(used_up)
        assert not is_admitted(await taker.claim(PLACE, used_up, claim_id="a"))
        (standing,) = await taker.claim(PLACE, claim_id="b")
        assert standing.remaining == 1

    async def _is_admitted(self, taker: Taker, bucket: Bucket, claim_id: str) -> bool:
        return is_admitted(await taker.claim(bucket, claim_id=claim_id))

    async def _leaves(self, taker: Taker, tokens: int) -> bool:
        """Asks with a shadow that nothing fits, which changes nothing."""
        probe = replace(TOKENS, limit=RateLimit("tokens", 60, 100), amount=0)
        (standing,) = await taker.claim(probe, claim_id="probe")
        taker.settle(probe, "probe")
        return standing.remaining == tokens


class TestAShadow:
    async def test_stands_in_nobodys_way_and_says_what_it_would_do(self, taker: Taker) -> None:
        shadow, real = RateLimit("shadow", 60, 1, is_shadow=True), RateLimit("real", 60, 3)
        told = [await taker.take((shadow, "k"), (real, "k")) for _ in range(4)]
        assert [[one.retry_after_s for one in standings] for standings in told] == [
            *([0.0, 0.0], [1.0, 0.0], [1.0, 0.0]),
            [1.0, 1.0],
        ]
        assert [is_admitted(standings) for standings in told] == [True] * 3 + [False]

    async def test_admits_as_it_would_if_it_counted(self, taker: Taker) -> None:
        shadow = RateLimit("shadow", 60, 1, is_shadow=True)
        fits = []
        for _ in range(20):
            (standing,) = await taker.take((shadow, "k"))
            fits.append(not standing.retry_after_s)
            await taker.pass_time(0.25)
        assert sum(fits) == 5
