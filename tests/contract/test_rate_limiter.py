"""One suite for every rate limiter, by a clock of the test; then Redis by its own clock."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.fallback import RateLimiterWithFallback
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Bucket, RateLimit, Standing
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.contract.take_repeatedly import Admission
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest

US_PER_S = 1_000_000
# As large as the real ones: the arithmetic must be exact there.
NOW_US = 1_800_000_000 * US_PER_S
TENANT = RateLimit("tenant", 60, 3)
PRINCIPAL = RateLimit("principal", 30, 1)
FALLBACKS = "clientsphere_rate_limit_fallbacks_total"


class LimiterUnderTest(Protocol):
    @property
    def limiter(self) -> RateLimiter: ...

    async def pass_time(self, us: int) -> None: ...


class InProcessUnderTest:
    def __init__(self) -> None:
        self._now_us = NOW_US
        self.limiter = InProcessRateLimiter(lambda: self._now_us)

    async def pass_time(self, us: int) -> None:
        self._now_us += us


class RedisClockedByTest:
    """Its clock is a key on the server."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._clock = f"clock-{secrets.token_hex(8)}"
        self.limiter = RedisRateLimiter(
            server, clock=f"{{0, tonumber(redis.call('GET', '{self._clock}'))}}"
        )

    async def pass_time(self, us: int) -> None:
        await self._server.call("SETNX", self._clock, NOW_US)
        await self._server.call("INCRBY", self._clock, us)


@asynccontextmanager
async def connected(url: str, **settings: float) -> AsyncIterator[RedisServer]:
    """Patient, unless `settings` say otherwise."""
    server = RedisServer(RedisSettings.model_validate({"url": url, "timeout_s": 5, **settings}))
    async with running(server):
        yield server


@pytest.fixture(params=["in_process", "redis"])
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[LimiterUnderTest]:
    if request.param == "in_process":
        yield InProcessUnderTest()
    else:
        async with connected(request.getfixturevalue("redis_server").url) as server:
            clocked = RedisClockedByTest(server)
            await clocked.pass_time(0)
            yield clocked


@dataclass
class Taker:
    """Takes from buckets that no other test uses."""

    under_test: LimiterUnderTest

    def __post_init__(self) -> None:
        self._own = secrets.token_hex(8)

    async def take(self, *asked: tuple[RateLimit, str]) -> list[Standing]:
        buckets = [Bucket(limit, f"{key}-{self._own}") for limit, key in asked]
        return await self.under_test.limiter.take(buckets)

    async def is_admitted(self, *asked: tuple[RateLimit, str]) -> bool:
        return is_admitted(await self.take(*asked))

    async def pass_time(self, s: float) -> None:
        await self.under_test.pass_time(round(s * US_PER_S))


def is_admitted(standings: list[Standing]) -> bool:
    return not any(standing.retry_after_s for standing in standings)


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


LIMITS = st.sampled_from(
    [RateLimit(f"{n}-{burst}", n, burst) for n in (7, 61, 6000, 999_983) for burst in (1, 2, 5)]
)
PROGRAMS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 200), st.integers(0, 20 * US_PER_S)),
        st.lists(st.tuples(LIMITS, st.sampled_from("kq")), min_size=1, max_size=3, unique=True),
    ),
    max_size=40,
)


class TestCongruence:
    @given(program=PROGRAMS)
    def test_both_decide_alike_and_as_exact_arithmetic_does(
        self, redis_server: RedisUnderTest, program: list[tuple[int, list[tuple[RateLimit, str]]]]
    ) -> None:
        asyncio.run(self._run(redis_server.url, program))

    async def _run(self, url: str, program: list[tuple[int, list[tuple[RateLimit, str]]]]) -> None:
        async with connected(url) as server:
            here, there = Taker(InProcessUnderTest()), Taker(RedisClockedByTest(server))
            exact = ExactModel()
            for gap_us, asked in program:
                for one in (here, there):
                    await one.under_test.pass_time(gap_us)
                standings = await here.take(*asked)
                assert await there.take(*asked) == standings
                assert exact.is_admitted(gap_us, asked) is is_admitted(standings)


class ExactModel:
    """Token buckets in rational numbers."""

    def __init__(self) -> None:
        self._now_us = 0
        self._tokens: dict[tuple[RateLimit, str], tuple[Fraction, int]] = {}

    def is_admitted(self, gap_us: int, asked: list[tuple[RateLimit, str]]) -> bool:
        self._now_us += gap_us
        tokens = {one: self._refilled(one) for one in asked}
        fits = all(count >= 1 for count in tokens.values())
        for one, count in tokens.items():
            self._tokens[one] = (count - 1 if fits else count, self._now_us)
        return fits

    def _refilled(self, one: tuple[RateLimit, str]) -> Fraction:
        limit, _ = one
        count, at_us = self._tokens.get(one, (Fraction(limit.burst), self._now_us))
        refill = Fraction(self._now_us - at_us, limit.interval_us)
        return min(Fraction(limit.burst), count + refill)


class TestRedisByItsOwnClock:
    async def test_many_processes_together_never_get_more_than_the_limit(
        self, redis_server: RedisUnderTest
    ) -> None:
        limit, key = RateLimit("law", 12_000, 20), secrets.token_hex(8)
        admissions = sorted(await _load(redis_server.url, Bucket(limit, key), processes=3))
        per_s = limit.per_minute / 60
        for first, begin in enumerate(admissions):
            window: list[float] = sorted(one.replied_s for one in admissions[first:])
            for count, end_s in enumerate(window, start=1):
                assert count <= limit.burst + per_s * (end_s - begin.asked_s) + 1
        span_s = admissions[-1].asked_s - admissions[0].asked_s
        assert len(admissions) >= 0.5 * (limit.burst + per_s * span_s)

    async def test_a_server_that_forgot_the_script_is_told_it_again(
        self, redis_server: RedisUnderTest
    ) -> None:
        async with connected(redis_server.url) as server:
            limiter, buckets = RedisRateLimiter(server), [Bucket(TENANT, secrets.token_hex(8))]
            await limiter.take(buckets)
            await server.call("SCRIPT", "FLUSH")
            (standing,) = await limiter.take(buckets)
        assert standing.remaining == 1

    async def test_all_limits_of_a_request_cost_one_round_trip(
        self, redis_server: RedisUnderTest
    ) -> None:
        async with connected(redis_server.url) as server:
            limiter, key = RedisRateLimiter(server), secrets.token_hex(8)
            buckets = [Bucket(RateLimit(name, 60, 5), key) for name in ("a", "b", "c")]
            await limiter.take(buckets)
            before = _script_calls(redis_server)
            await limiter.take(buckets)
            assert _script_calls(redis_server) == before + 1

    async def test_what_was_counted_survives_a_restart(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        limit, key = RateLimit("kept", 1, 2), "k"
        async with connected(own_redis_server.url, retry_interval_s=0.05) as server:
            limiter = RedisRateLimiter(server)
            assert is_admitted(await limiter.take([Bucket(limit, key)]))
            assert is_admitted(await limiter.take([Bucket(limit, key)]))
            own_redis_server.kill()
            own_redis_server.start()
            await eventually(lambda: _answers(server))
            assert not is_admitted(await limiter.take([Bucket(limit, key)]))

    async def test_a_bucket_is_forgotten_when_it_has_long_been_full(
        self, redis_server: RedisUnderTest
    ) -> None:
        bucket = Bucket(RateLimit("brief", 6000, 10), secrets.token_hex(8))
        async with connected(redis_server.url) as server:
            await RedisRateLimiter(server).take([bucket])
            left_ms = await server.call("PTTL", f"clientsphere:rate:{bucket.path}")
        assert 0 < left_ms <= 10_010


class TestFallback:
    async def test_goes_on_within_the_time_limit_and_comes_back(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        registry = CollectorRegistry()
        settings = {"timeout_s": 0.3, "retry_interval_s": 1.0}
        async with connected(own_redis_server.url, **settings) as server:
            shared = RedisRateLimiter(server)
            limiter = RateLimiterWithFallback(shared, InProcessRateLimiter(), registry)
            buckets = [Bucket(RateLimit("shared", 1, 3), "k")]
            await eventually(lambda: _answers(server))
            assert is_admitted(await limiter.take(buckets))
            assert registry.get_sample_value(FALLBACKS) == 0

            own_redis_server.freeze()
            # One of them waits for the time limit, and not all five.
            async with asyncio.timeout(1):
                admitted = [is_admitted(await limiter.take(buckets)) for _ in range(5)]
            assert admitted == [True] * 3 + [False] * 2
            assert registry.get_sample_value(FALLBACKS) == 5

            own_redis_server.thaw()
            await eventually(lambda: _answers(server))
            fallbacks = registry.get_sample_value(FALLBACKS)
            await limiter.take(buckets)
            assert registry.get_sample_value(FALLBACKS) == fallbacks


async def _answers(server: RedisServer) -> bool:
    try:
        await server.check()
    except DependencyUnavailableError:
        return False
    return True


async def _load(url: str, bucket: Bucket, processes: int) -> list[Admission]:
    """What `processes` get that begin at the same time."""
    program = str(Path(__file__).with_name("take_repeatedly.py"))
    arguments = (url, bucket.key, str(bucket.limit.per_minute), str(bucket.limit.burst))
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, program, *arguments), stdin=PIPE, stdout=PIPE
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    return [Admission(*one) for output, _ in ends for one in json.loads(output)]


def _script_calls(server: RedisUnderTest) -> int:
    with redis.Redis.from_url(server.url, protocol=2) as operator:
        statistics = operator.info("commandstats")
    return sum(statistics[f"cmdstat_{name}"]["calls"] for name in ("eval", "evalsha"))
