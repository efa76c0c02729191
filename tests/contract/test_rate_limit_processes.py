"""What Redis counts for many processes, by its own clock: the law, holds, and outages."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

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
)
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from tests.contract.rate_limiters import (
    PLACE,
    TOKENS,
    RedisClockedByTest,
    Taker,
    answers,
    connected,
    is_admitted,
    script_calls,
)
from tests.contract.take_repeatedly import Admission
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest

TENANT = RateLimit("tenant", 60, 3)
FALLBACKS = "clientsphere_rate_limit_fallbacks_total"


class TestRedisByItsOwnClock:
    async def test_many_processes_together_never_get_more_than_the_limit(
        self, redis_server: RedisUnderTest
    ) -> None:
        limit, key = RateLimit("law", 12_000, 20), secrets.token_hex(8)
        admissions = sorted(await _load(redis_server.url, limit, key, processes=8))
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
            await limiter.take(Claim(buckets))
            await server.call("SCRIPT", "FLUSH")
            (standing,) = await limiter.take(Claim(buckets))
        assert standing.remaining == 1

    async def test_all_limits_of_a_request_cost_one_round_trip(
        self, redis_server: RedisUnderTest
    ) -> None:
        async with connected(redis_server.url) as server:
            limiter, key = RedisRateLimiter(server), secrets.token_hex(8)
            buckets = [Bucket(RateLimit(name, 60, 5), key) for name in ("a", "b", "c")]
            await limiter.take(Claim(buckets))
            before = script_calls(redis_server)
            await limiter.take(Claim(buckets))
            assert script_calls(redis_server) == before + 1

    async def test_what_was_counted_survives_a_restart(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        limit, key = RateLimit("kept", 1, 2), "k"
        async with connected(own_redis_server.url, retry_interval_s=0.05) as server:
            limiter = RedisRateLimiter(server)
            assert is_admitted(await limiter.take(Claim([Bucket(limit, key)])))
            assert is_admitted(await limiter.take(Claim([Bucket(limit, key)])))
            own_redis_server.kill()
            own_redis_server.start()
            await eventually(lambda: answers(server))
            assert not is_admitted(await limiter.take(Claim([Bucket(limit, key)])))


class TestWhatIsKept:
    """On the server, also for the processes of another release."""

    async def test_is_when_a_bucket_is_full_again_by_the_clock_of_the_server(
        self, redis_server: RedisUnderTest
    ) -> None:
        bucket = Bucket(RateLimit("slow", 1, 10), secrets.token_hex(8))
        async with connected(redis_server.url) as server:
            await RedisRateLimiter(server).take(Claim([bucket]))
            full_at_us = int(await server.call("GET", f"clientsphere:rate:{bucket.path}"))
            now_s, _ = await server.call("TIME")
        assert 0 < full_at_us / 1_000_000 - int(now_s) <= 61

    async def test_is_forgotten_when_a_bucket_has_long_been_full(
        self, redis_server: RedisUnderTest
    ) -> None:
        bucket = Bucket(RateLimit("brief", 6000, 10), secrets.token_hex(8))
        async with connected(redis_server.url) as server:
            await RedisRateLimiter(server).take(Claim([bucket]))
            left_ms = await server.call("PTTL", f"clientsphere:rate:{bucket.path}")
        assert 0 < left_ms <= 10_010

    async def test_is_forgotten_when_what_was_held_has_long_expired(
        self, redis_server: RedisUnderTest
    ) -> None:
        bucket = replace(PLACE, key=secrets.token_hex(8))
        async with connected(redis_server.url) as server:
            await RedisRateLimiter(server, hold_s=0.4).take(Claim([bucket], "a"))
            left_ms = await server.call("PTTL", f"clientsphere:rate:{bucket.path}:held")
        assert 0 < left_ms <= 10_400

    async def test_is_nothing_of_a_place_that_was_given_back(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            await limiter.take(Claim([PLACE], "a"))
            assert await server.call("DBSIZE") == 1
            limiter.settle([Settlement(PLACE, "a")])
            await limiter.flush()
            assert await server.call("DBSIZE") == 0

    async def test_is_which_processes_there_are(self, own_redis_server: RedisUnderTest) -> None:
        async with connected(own_redis_server.url) as server:
            limiters = [RedisRateLimiter(server) for _ in range(2)]

            async def are_known() -> bool:
                return bool(await server.call("ZCARD", "clientsphere:rate-processes") == 2)

            async with running(*limiters):
                await eventually(are_known)


class TestProcesses:
    """Limiters that share nothing but the server."""

    async def test_that_are_killed_hold_nothing_for_long(
        self, redis_server: RedisUnderTest
    ) -> None:
        async with connected(redis_server.url) as server:
            clocked = RedisClockedByTest(server)
            taker = Taker(clocked)
            await taker.pass_time(0)
            assert is_admitted(await taker.claim(PLACE, TOKENS, claim_id="a"))
            assert is_admitted(await taker.claim(PLACE, TOKENS, claim_id="b"))
            await taker.pass_time(19.999)
            assert not is_admitted(await taker.claim(PLACE, claim_id="c"))
            await taker.pass_time(0.001)
            standings = await taker.claim(PLACE, TOKENS, claim_id="c")
        assert [standing.remaining for standing in standings] == [1, 60]

    async def test_that_live_hold_on(self, redis_server: RedisUnderTest) -> None:
        place = replace(PLACE, key=secrets.token_hex(8), limit=ConcurrencyLimit("place", 1))
        async with connected(redis_server.url) as server:
            living = RedisRateLimiter(server, hold_s=0.4)
            async with running(living):
                await living.take(Claim([place], "a"))
                for number in range(10):
                    await asyncio.sleep(0.1)
                    other = RedisRateLimiter(server)
                    assert not is_admitted(await other.take(Claim([place], str(number))))
                living.settle([Settlement(place, "a")])
            assert is_admitted(await RedisRateLimiter(server).take(Claim([place], "b")))

    async def test_know_how_many_they_are(self, own_redis_server: RedisUnderTest) -> None:
        async with connected(own_redis_server.url) as server:
            limiters = [RedisRateLimiter(server, hold_s=0.4) for _ in range(3)]

            async def all_know() -> bool:
                return all(one.process_count == 3 for one in limiters)

            async with running(*limiters):
                await eventually(all_know)

    async def test_that_are_gone_are_not_counted_for_long(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server.url) as server:
            staying = RedisRateLimiter(server, hold_s=0.4)

            async def knows(count: int) -> None:
                async def does() -> bool:
                    return staying.process_count == count

                await eventually(does)

            async with running(staying):
                async with running(RedisRateLimiter(server, hold_s=0.4)):
                    await knows(2)
                await knows(1)

    async def test_hold_nothing_for_what_was_refused(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        place = Bucket(ConcurrencyLimit("place", 1), "k", is_held=True)
        once = Bucket(RateLimit("once", 1, 1), "k")
        async with connected(own_redis_server.url) as server:
            limiter = RedisRateLimiter(server, hold_s=0.2)
            async with running(limiter):
                assert is_admitted(await limiter.take(Claim([once])))
                assert not is_admitted(await limiter.take(Claim([once, place], "a")))
                before = script_calls(own_redis_server)

                async def has_renewed() -> bool:
                    return script_calls(own_redis_server) >= before + 2

                await eventually(has_renewed)
                assert is_admitted(await limiter.take(Claim([place], "b")))

    async def test_settle_what_ended_while_the_server_was_away(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        place = Bucket(ConcurrencyLimit("place", 1), "k", is_held=True)
        settings = {"timeout_s": 0.3, "retry_interval_s": 0.05}
        async with connected(own_redis_server.url, **settings) as server:
            limiter = RedisRateLimiter(server)
            async with running(limiter):
                await eventually(lambda: answers(server))
                await limiter.take(Claim([place], "a"))
                own_redis_server.kill()
                limiter.settle([Settlement(place, "a")])
                with pytest.raises(DependencyUnavailableError):
                    await limiter.flush()
                own_redis_server.start()

                async def is_free() -> bool:
                    await eventually(lambda: answers(server))
                    return is_admitted(await limiter.take(Claim([place], "b")))

                await eventually(is_free)


class TestStrictClaims:
    async def test_outwait_a_pause_of_the_server(self, own_redis_server: RedisUnderTest) -> None:
        url = own_redis_server.url
        async with connected(url, timeout_s=0.1) as server, connected(url) as patient:
            limiter = RedisRateLimiter(server, patient=patient)
            claim = Claim([Bucket(RateLimit("login", 1, 3), "k")])
            await eventually(lambda: answers(server))
            own_redis_server.freeze()
            strict = asyncio.create_task(limiter.take(replace(claim, is_strict=True)))
            with pytest.raises(DependencyUnavailableError):
                await limiter.take(claim)
            own_redis_server.thaw()
            assert is_admitted(await strict)

    async def test_are_counted_with_the_others(self, redis_server: RedisUnderTest) -> None:
        claim = Claim([Bucket(RateLimit("login", 1, 2), secrets.token_hex(8))])
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            assert is_admitted(await limiter.take(claim))
            assert is_admitted(await limiter.take(replace(claim, is_strict=True)))
            assert not is_admitted(await limiter.take(claim))


class TestFallback:
    async def test_goes_on_within_the_time_limit_and_comes_back(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        registry = CollectorRegistry()
        settings = {"timeout_s": 0.3, "retry_interval_s": 1.0}
        async with connected(own_redis_server.url, **settings) as server:
            shared = RedisRateLimiter(server)
            limiter = RateLimiterWithFallback(shared, InProcessRateLimiter(), lambda: 1, registry)
            buckets = [Bucket(RateLimit("shared", 1, 3), "k")]
            await eventually(lambda: answers(server))
            assert is_admitted(await limiter.take(Claim(buckets)))
            assert registry.get_sample_value(FALLBACKS) == 0

            own_redis_server.freeze()
            # One of them waits for the time limit, and not all five. What was admitted before,
            # counts.
            async with asyncio.timeout(1):
                admitted = [is_admitted(await limiter.take(Claim(buckets))) for _ in range(5)]
            assert admitted == [True] * 2 + [False] * 3
            assert registry.get_sample_value(FALLBACKS) == 5

            own_redis_server.thaw()
            await eventually(lambda: answers(server))
            fallbacks = registry.get_sample_value(FALLBACKS)
            await limiter.take(Claim(buckets))
            assert registry.get_sample_value(FALLBACKS) == fallbacks


async def _load(url: str, limit: RateLimit, key: str, processes: int) -> list[Admission]:
    """What `processes` get that begin at the same time."""
    program = str(Path(__file__).with_name("take_repeatedly.py"))
    arguments = (url, key, str(limit.per_minute), str(limit.burst))
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
