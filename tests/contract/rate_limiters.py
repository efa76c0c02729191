"""The rate limiters under test, by a clock of the test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import redis

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import (
    Bucket,
    Claim,
    ConcurrencyLimit,
    Limit,
    RateLimit,
    Settlement,
    Standing,
)
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from clientsphere_common.rate_limits.redis_holds import HOLD_S
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest

US_PER_S = 1_000_000
# As large as the real ones: the arithmetic must be exact there.
NOW_US = 1_800_000_000 * US_PER_S


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

    def __init__(self, server: RedisServer, hold_s: float = HOLD_S) -> None:
        self._server = server
        self._clock = f"clock-{secrets.token_hex(8)}"
        self.limiter = RedisRateLimiter(
            server, f"{{0, tonumber(redis.call('GET', '{self._clock}'))}}", hold_s
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


@dataclass
class Taker:
    """Takes from buckets that no other test uses."""

    under_test: LimiterUnderTest

    def __post_init__(self) -> None:
        self._own = secrets.token_hex(8)

    async def take(self, *asked: tuple[Limit, str]) -> list[Standing]:
        return await self.claim(*(Bucket(limit, key) for limit, key in asked))

    async def claim(self, *buckets: Bucket, claim_id: str = "") -> list[Standing]:
        own = [self._own_of(bucket) for bucket in buckets]
        return await self.under_test.limiter.take(Claim(own, claim_id))

    def settle(self, bucket: Bucket, claim_id: str, used: int = 0) -> None:
        self.under_test.limiter.settle([Settlement(self._own_of(bucket), claim_id, used)])

    def _own_of(self, bucket: Bucket) -> Bucket:
        return replace(bucket, key=f"{bucket.key}-{self._own}")

    async def is_admitted(self, *asked: tuple[Limit, str]) -> bool:
        return is_admitted(await self.take(*asked))

    async def pass_time(self, s: float) -> None:
        await self.under_test.pass_time(round(s * US_PER_S))


def is_admitted(standings: list[Standing]) -> bool:
    return not any(standing.refuses for standing in standings)


TOKENS = Bucket(RateLimit("tokens", 60, 100), "t", amount=40, is_held=True)
PLACE = Bucket(ConcurrencyLimit("place", 2), "t", is_held=True)


async def answers(server: RedisServer) -> bool:
    try:
        await server.check()
    except DependencyUnavailableError:
        return False
    return True


def script_calls(server: RedisUnderTest) -> int:
    """How often it has run one."""
    with redis.Redis.from_url(server.url, protocol=2) as operator:
        statistics = operator.info("commandstats")
    return sum(statistics[f"cmdstat_{name}"]["calls"] for name in ("eval", "evalsha"))
