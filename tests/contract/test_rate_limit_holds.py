"""What a process holds on Redis: settled at once, in time or not at all, and renewed until then."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.model import (
    Bucket,
    Claim,
    ConcurrencyLimit,
    RateLimit,
    Settlement,
)
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from clientsphere_common.rate_limits.redis_holds import HOLD_S, RedisHolds
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.contract.rate_limiters import answers, connected, is_admitted, script_calls
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest

MORE_THAN_ONE_CALL_TAKES = 600


def place(burst: int = 1) -> Bucket:
    """One that no other test uses."""
    return Bucket(ConcurrencyLimit("place", burst), secrets.token_hex(8), is_held=True)


def plain() -> Bucket:
    return Bucket(RateLimit("plain", 1, 1000), secrets.token_hex(8))


async def remaining(server: RedisServer, bucket: Bucket) -> int:
    """After one more."""
    (standing,) = await RedisRateLimiter(server).take(Claim([bucket], secrets.token_hex(8)))
    return standing.remaining


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class TestSettling:
    async def test_is_done_long_before_anything_is_renewed(
        self, redis_server: RedisUnderTest
    ) -> None:
        held = place()
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            async with running(limiter):
                await limiter.take(Claim([held], "a"))
                limiter.settle([Settlement(held, "a")])

                async def is_free() -> bool:
                    return await remaining(server, held) == 0

                await eventually(is_free, within_s=HOLD_S / 8)

    async def test_leaves_out_nothing_of_what_ended_at_once(
        self, redis_server: RedisUnderTest
    ) -> None:
        charged = plain()
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            limiter.settle([Settlement(charged, "", 1)] * MORE_THAN_ONE_CALL_TAKES)
            await limiter.flush()
            assert await remaining(server, charged) == 1000 - MORE_THAN_ONE_CALL_TAKES - 1

    async def test_of_what_ends_while_the_process_stops_is_done_too(
        self, redis_server: RedisUnderTest
    ) -> None:
        charged = plain()
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            await limiter.start()
            limiter.settle([Settlement(charged, "", 10)])
            await limiter.stop()
            assert await remaining(server, charged) == 989

    @pytest.mark.parametrize(("after_s", "left"), [(HOLD_S - 0.001, 989), (HOLD_S, 999)])
    async def test_is_tried_until_what_was_held_has_expired(
        self, own_redis_server: RedisUnderTest, after_s: float, left: int
    ) -> None:
        charged, clock = plain(), Clock()
        async with connected(own_redis_server.url, retry_interval_s=0.05) as server:
            holds = RedisHolds(server, monotonic=clock)
            holds.settle([Settlement(charged, "", 10)])
            own_redis_server.kill()
            clock.now_s += after_s
            with pytest.raises(DependencyUnavailableError):
                await holds.flush()
            own_redis_server.start()
            await eventually(lambda: answers(server))
            await holds.flush()
            assert await remaining(server, charged) == left


class TestRenewing:
    async def test_leaves_out_nothing_of_what_is_held(self, redis_server: RedisUnderTest) -> None:
        held = place(burst=1000)
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server, hold_s=1.0)
            async with running(limiter):
                for number in range(MORE_THAN_ONE_CALL_TAKES):
                    await limiter.take(Claim([held], str(number)))
                await asyncio.sleep(1.5)
                assert await remaining(server, held) == 1000 - MORE_THAN_ONE_CALL_TAKES - 1

    async def test_ends_when_it_is_settled(self, redis_server: RedisUnderTest) -> None:
        held = place()
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server, hold_s=0.2)
            async with running(limiter):
                await limiter.take(Claim([held], "a"))
                limiter.settle([Settlement(held, "a")])
                await asyncio.sleep(0.2)
                assert is_admitted(await RedisRateLimiter(server).take(Claim([held], "b")))

    async def test_is_of_nothing_that_did_not_fit_a_shadow(
        self, redis_server: RedisUnderTest
    ) -> None:
        shadow = replace(place(), limit=ConcurrencyLimit("place", 1, is_shadow=True))
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server, hold_s=0.2)
            async with running(limiter):
                await limiter.take(Claim([shadow], "fits"))
                await limiter.take(Claim([shadow], "does-not-fit"))
                limiter.settle([Settlement(shadow, "fits")])
                await asyncio.sleep(0.2)
                (standing,) = await RedisRateLimiter(server).take(Claim([shadow], "next"))
        assert standing.retry_after_s == 0

    async def test_is_of_nothing_that_is_counted(self, own_redis_server: RedisUnderTest) -> None:
        async with connected(own_redis_server.url) as server:
            limiter = RedisRateLimiter(server, hold_s=0.2)
            async with running(limiter):
                await limiter.take(Claim([plain()], "a"))
                await asyncio.sleep(0.2)
                # The bucket, and the processes.
                assert await server.call("DBSIZE") == 2

    async def test_is_done_a_few_times_and_not_all_the_time(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with (
            connected(own_redis_server.url) as server,
            running(RedisRateLimiter(server, hold_s=0.4)),
        ):
            await asyncio.sleep(1.2)
        # Four times for each hold.
        assert script_calls(own_redis_server) <= 50

    async def test_is_not_done_whenever_something_is_settled(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            async with running(limiter):
                for _ in range(20):
                    limiter.settle([Settlement(plain(), "", 1)])
                    await asyncio.sleep(0.01)
        # Each script is sent twice at first: the server does not know it.
        assert script_calls(own_redis_server) <= 20 + 4

    async def test_waits_a_moment_after_it_failed(self, own_redis_server: RedisUnderTest) -> None:
        calls = 0

        class CountedServer(RedisServer):
            async def call(self, *command: str | bytes | int) -> object:
                nonlocal calls
                calls += 1
                return await super().call(*command)

        own_redis_server.kill()
        server = CountedServer(RedisSettings(url=own_redis_server.url))
        async with running(server, RedisRateLimiter(server, hold_s=0.4)):
            await asyncio.sleep(1.0)
        assert calls <= 20


class TestAProcess:
    async def test_counts_itself_before_it_has_asked(self, redis_server: RedisUnderTest) -> None:
        async with connected(redis_server.url) as server:
            assert RedisRateLimiter(server).process_count == 1

    async def test_is_told_when_nothing_is_settled_any_more(
        self, redis_server: RedisUnderTest
    ) -> None:
        class BrokenServer(RedisServer):
            async def call(self, *command: str | bytes | int) -> object:
                raise RuntimeError("broken")

        limiter = RedisRateLimiter(BrokenServer(RedisSettings(url=redis_server.url)))
        async with running(limiter):
            with pytest.raises(RuntimeError, match="broken"):
                await limiter.watch()

    async def test_goes_on_when_nobody_watches_any_more(self, redis_server: RedisUnderTest) -> None:
        async with connected(redis_server.url) as server:
            limiter = RedisRateLimiter(server)
            async with running(limiter):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await limiter.watch()
                charged = plain()
                limiter.settle([Settlement(charged, "", 10)])

                async def is_settled() -> bool:
                    return await remaining(server, charged) < 990

                await eventually(is_settled, within_s=HOLD_S / 8)
