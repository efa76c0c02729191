"""Counting goes on when the shared count is out of reach, and every such request is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakSet

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.fallback import RateLimiterWithFallback
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import (
    Bucket,
    Claim,
    ConcurrencyLimit,
    RateLimit,
    Settlement,
    Standing,
)

CLAIM = Claim([Bucket(RateLimit("one", 1, 2), "k")])


class FakeShared:
    def __init__(self) -> None:
        self.is_away = False
        self.now_us = 0
        self.settled: list[Settlement] = []
        self._limiter = InProcessRateLimiter(self.clock_us)

    def clock_us(self) -> int:
        return self.now_us

    async def take(self, claim: Claim) -> list[Standing]:
        if self.is_away:
            raise DependencyUnavailableError("redis_unavailable", "Redis does not answer.")
        return await self._limiter.take(claim)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        self.settled += settlements
        self._limiter.settle(settlements)


@pytest.fixture
def shared() -> FakeShared:
    return FakeShared()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def limiter(shared: FakeShared, registry: CollectorRegistry) -> RateLimiterWithFallback:
    return RateLimiterWithFallback(shared, InProcessRateLimiter(lambda: 0), lambda: 1, registry)


def local_only(
    shared: FakeShared, local: InProcessRateLimiter, registry: CollectorRegistry
) -> RateLimiterWithFallback:
    shared.is_away = True
    return RateLimiterWithFallback(shared, local, lambda: 1, registry)


async def remaining(limiter: RateLimiterWithFallback) -> int:
    (standing,) = await limiter.take(CLAIM)
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
        # It knows what it had admitted before.
        assert [await remaining(limiter) for _ in range(3)] == [0, 0, 0]
        assert fallbacks(registry) == 3

    async def test_counts_together_again(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        shared.is_away = True
        await remaining(limiter)
        shared.is_away = False
        assert fallbacks(registry) == 1
        # The first one after the failure is admitted before what was counted is handed over.
        assert [await remaining(limiter) for _ in range(2)] == [1, 0]
        assert fallbacks(registry) == 1

    async def test_that_come_and_go_do_not_double_what_is_admitted(
        self, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        limiter = RateLimiterWithFallback(
            shared, InProcessRateLimiter(shared.clock_us), lambda: 1, registry
        )
        claim, admitted = Claim([Bucket(RateLimit("one", 600, 5), "k")]), 0
        for step in range(1000):
            shared.is_away = step % 20 < 10
            (standing,) = await limiter.take(claim)
            admitted += not standing.refuses
            shared.now_us += 50_000
        # 50 s at 10/s, a burst, and one each time that the server is back and not told yet.
        assert 450 <= admitted <= 500 + 5 + 50

    async def test_forget_what_is_long_forgiven(
        self, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        local = InProcessRateLimiter(shared.clock_us)
        limiter = RateLimiterWithFallback(shared, local, lambda: 1, registry)
        shared.is_away = True
        for number in range(5000):
            await limiter.take(Claim([Bucket(RateLimit("one", 6000, 5), str(number))]))
            shared.now_us += 1_000
        shared.is_away = False
        await limiter.take(CLAIM)
        # Each was forgiven after 10 ms.
        assert len(shared.settled) <= 10

    async def test_forget_it_while_the_server_is_away_too(
        self, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        local = InProcessRateLimiter(shared.clock_us)
        limiter, remembered = local_only(shared, local, registry), WeakSet[Bucket]()
        for number in range(5000):
            bucket = Bucket(RateLimit("one", 6000, 5), str(number))
            remembered.add(bucket)
            await limiter.take(Claim([bucket]))
            shared.now_us += 1_000
        assert len(remembered) <= 2 * 1024

    async def test_look_only_now_and_then_for_what_is_forgiven(
        self, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        looks = 0

        def clock_us() -> int:
            nonlocal looks
            looks += 1
            return 0

        limiter = local_only(shared, InProcessRateLimiter(clock_us), registry)
        for number in range(3000):
            await limiter.take(Claim([Bucket(RateLimit("one", 1, 5), str(number))]))
        assert looks <= 3 * 3000


class TestWhatIsKnownHere:
    """Of what the server counted before it went away."""

    async def test_is_nothing_of_a_claim_that_was_refused(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        roomy = Bucket(RateLimit("roomy", 1, 9), "k")
        for _ in range(5):
            await limiter.take(Claim([roomy, *CLAIM.buckets]))
        shared.is_away = True
        (standing,) = await limiter.take(Claim([roomy]))
        assert standing.remaining == 9 - 2 - 1

    async def test_is_nothing_that_did_not_fit_a_shadow(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        shadow = Bucket(RateLimit("shadow", 1, 3, is_shadow=True), "k", amount=2)
        for _ in range(2):
            await limiter.take(Claim([shadow]))
        shared.is_away = True
        (standing,) = await limiter.take(Claim([replace(shadow, amount=1)]))
        assert standing.retry_after_s == 0


class TestWhatIsHandedOver:
    """To the server that is back, of what was counted here meanwhile."""

    async def after(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, *claims: Claim
    ) -> dict[str, int]:
        shared.is_away = True
        for claim in claims:
            await limiter.take(claim)
        shared.is_away = False
        await limiter.take(Claim([]))
        return {one.bucket.limit.name: one.used for one in shared.settled}

    async def test_is_what_was_counted_here(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        claim = Claim([Bucket(RateLimit("one", 1, 10), "k", amount=2)])
        await limiter.take(claim)
        assert await self.after(limiter, shared, claim, claim) == {"one": 4}

    async def test_is_handed_over_once(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        await self.after(limiter, shared, CLAIM)
        shared.settled.clear()
        assert await self.after(limiter, shared) == {}

    async def test_is_nothing_that_is_held_here(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        place = Bucket(ConcurrencyLimit("place", 2), "k", is_held=True)
        claim = Claim([place, *CLAIM.buckets], "a")
        assert await self.after(limiter, shared, claim) == {"one": 1}

    async def test_is_nothing_of_a_claim_that_was_refused(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        claim = Claim([Bucket(RateLimit("roomy", 1, 9), "k"), *CLAIM.buckets])
        used = await self.after(limiter, shared, *[claim] * 5)
        assert used == {"roomy": 2, "one": 2}

    async def test_is_nothing_that_did_not_fit_a_shadow(
        self, limiter: RateLimiterWithFallback, shared: FakeShared
    ) -> None:
        shadow = Bucket(RateLimit("shadow", 1, 3, is_shadow=True), "k")
        claim = Claim([shadow, Bucket(RateLimit("roomy", 1, 9), "k")])
        used = await self.after(limiter, shared, *[claim] * 5)
        assert used == {"shadow": 3, "roomy": 5}


class TestTheShareOfAProcess:
    async def take(self, claim: Claim, process_count: int) -> Standing:
        shared = FakeShared()
        shared.is_away = True
        local = InProcessRateLimiter(lambda: 0)
        limiter = RateLimiterWithFallback(shared, local, lambda: process_count, CollectorRegistry())
        (standing,) = await limiter.take(claim)
        return standing

    async def test_is_what_the_limit_has_for_each(self) -> None:
        claim = Claim([Bucket(RateLimit("one", 600, 50), "k")])
        standing = await self.take(claim, process_count=4)
        assert standing.limit == RateLimit("one", 150, 12)
        assert standing.remaining == 11

    async def test_is_never_nothing(self) -> None:
        claim = Claim([Bucket(RateLimit("one", 2, 3), "k")])
        assert (await self.take(claim, process_count=8)).limit == RateLimit("one", 1, 1)

    async def test_is_one_of_places_too(self) -> None:
        claim = Claim([Bucket(ConcurrencyLimit("place", 9), "k", is_held=True)], "a")
        assert (await self.take(claim, process_count=2)).limit == ConcurrencyLimit("place", 4)

    async def test_is_charged_what_was_used_at_its_own_rate(self) -> None:
        shared = FakeShared()
        shared.is_away = True
        local = InProcessRateLimiter(lambda: 0)
        limiter = RateLimiterWithFallback(shared, local, lambda: 2, CollectorRegistry())
        tokens = Bucket(RateLimit("tokens", 600, 100), "k", amount=10, is_held=True)
        await limiter.take(Claim([tokens], "a"))
        limiter.settle([Settlement(tokens, "a", used=30)])
        (standing,) = await limiter.take(Claim([tokens], "b"))
        # 30 were used and 10 are held, at 300 a minute.
        assert standing.full_in_s == 8.0


class TestStrictClaims:
    async def test_are_refused_rather_than_counted_alone(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, registry: CollectorRegistry
    ) -> None:
        strict = replace(CLAIM, is_strict=True)
        assert len(await limiter.take(strict)) == 1
        shared.is_away = True
        with pytest.raises(DependencyUnavailableError) as caught:
            await limiter.take(strict)
        assert (caught.value.code, caught.value.retry_after_s) == ("limits_unavailable", 2.0)
        assert fallbacks(registry) == 0
        assert registry.get_sample_value("clientsphere_rate_limit_closed_total") == 1


class TestSettling:
    @pytest.mark.parametrize("is_away", [False, True])
    async def test_is_done_wherever_it_was_held(
        self, limiter: RateLimiterWithFallback, shared: FakeShared, is_away: bool
    ) -> None:
        shared.is_away = is_away
        place = Bucket(ConcurrencyLimit("place", 1), "k", is_held=True)
        for number in range(3):
            (standing,) = await limiter.take(Claim([place], str(number)))
            assert not standing.refuses
            limiter.settle([Settlement(place, str(number))])
