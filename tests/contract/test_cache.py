"""One suite for every cache, and what only the one on Redis can suffer."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import redis
from prometheus_client import CollectorRegistry

from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.cache.model import CacheKey
from clientsphere_common.cache.ports import Cache
from clientsphere_common.cache.redis import RedisCache
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest

LONG_S = 600.0


@dataclass
class CacheUnderTest:
    cache: Cache
    registry: CollectorRegistry
    tenant_id: str = field(default_factory=lambda: f"tnt_{secrets.token_hex(8)}")
    """Nobody else's: tests share a server."""

    def key(self, *parts: str) -> CacheKey:
        return CacheKey(self.tenant_id, parts)

    def count(self, result: str) -> float:
        value = self.registry.get_sample_value(
            "clientsphere_cache_requests_total", {"result": result}
        )
        return value or 0.0


def in_process_cache() -> CacheUnderTest:
    registry = CollectorRegistry()
    return CacheUnderTest(InProcessCache(10_000_000, CacheMetrics(registry)), registry)


@asynccontextmanager
async def redis_cache(server: RedisUnderTest, **settings: float) -> AsyncIterator[CacheUnderTest]:
    registry = CollectorRegistry()
    calls = RedisServer(RedisSettings.model_validate({"url": server.url, **settings}))
    async with running(calls):
        yield CacheUnderTest(RedisCache(calls, CacheMetrics(registry)), registry)


@pytest.fixture(params=["in_process", "redis"])
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[CacheUnderTest]:
    if request.param == "in_process":
        yield in_process_cache()
    else:
        async with redis_cache(request.getfixturevalue("redis_server"), timeout_s=5) as under_test:
            yield under_test


class TestEveryCache:
    @pytest.mark.parametrize("value", [b"", b"\x00\r\n\xff", bytes(100_000)])
    async def test_gives_back_what_it_was_given(
        self, under_test: CacheUnderTest, value: bytes
    ) -> None:
        await under_test.cache.set(under_test.key("a"), value, LONG_S)
        assert await under_test.cache.get(under_test.key("a")) == value

    async def test_has_nothing_that_it_was_not_given(self, under_test: CacheUnderTest) -> None:
        assert await under_test.cache.get(under_test.key("a")) is None

    async def test_keeps_the_newest_value(self, under_test: CacheUnderTest) -> None:
        await under_test.cache.set(under_test.key("a"), b"old", LONG_S)
        await under_test.cache.set(under_test.key("a"), b"new", LONG_S)
        assert await under_test.cache.get(under_test.key("a")) == b"new"

    async def test_forgets_when_told_to(self, under_test: CacheUnderTest) -> None:
        await under_test.cache.set(under_test.key("a"), b"1", LONG_S)
        await under_test.cache.set(under_test.key("b"), b"2", LONG_S)
        await under_test.cache.delete(under_test.key("a"))
        await under_test.cache.delete(under_test.key("unknown"))
        assert await under_test.cache.get(under_test.key("a")) is None
        assert await under_test.cache.get(under_test.key("b")) == b"2"

    async def test_forgets_when_the_time_is_over(self, under_test: CacheUnderTest) -> None:
        async def is_gone() -> bool:
            return await under_test.cache.get(under_test.key("a")) is None

        await under_test.cache.set(under_test.key("a"), b"1", 0.2)
        assert not await is_gone()
        await eventually(is_gone)

    @pytest.mark.parametrize("ttl_s", [0.0, -1.0])
    async def test_keeps_nothing_whose_time_is_over(
        self, under_test: CacheUnderTest, ttl_s: float
    ) -> None:
        async def is_gone() -> bool:
            return await under_test.cache.get(under_test.key("a")) is None

        await under_test.cache.set(under_test.key("a"), b"1", ttl_s)
        await eventually(is_gone)

    async def test_keeps_tenants_apart(self, under_test: CacheUnderTest) -> None:
        other = CacheKey(f"{under_test.tenant_id}x", ("a",))
        await under_test.cache.set(under_test.key("a"), b"ours", LONG_S)
        assert await under_test.cache.get(other) is None
        await under_test.cache.set(other, b"theirs", LONG_S)
        await under_test.cache.delete(other)
        assert await under_test.cache.get(under_test.key("a")) == b"ours"

    async def test_keeps_keys_apart_whatever_they_are_made_of(
        self, under_test: CacheUnderTest
    ) -> None:
        keys = [("a", "b"), ("a:b",), ("a%3Ab",), ("a", "b", ""), ("A", "b"), ("ä\n*", "b")]
        for number, parts in enumerate(keys):
            await under_test.cache.set(under_test.key(*parts), str(number).encode(), LONG_S)
        for number, parts in enumerate(keys):
            assert await under_test.cache.get(under_test.key(*parts)) == str(number).encode()

    async def test_serves_many_at_once(self, under_test: CacheUnderTest) -> None:
        async def one(name: str) -> None:
            await under_test.cache.set(under_test.key(name), name.encode(), LONG_S)
            assert await under_test.cache.get(under_test.key(name)) == name.encode()

        await asyncio.gather(*(one(f"n{number}") for number in range(200)))

    async def test_tells_how_often_it_has_what_it_is_asked_for(
        self, under_test: CacheUnderTest
    ) -> None:
        await under_test.cache.get(under_test.key("a"))
        await under_test.cache.set(under_test.key("a"), b"1", LONG_S)
        await under_test.cache.get(under_test.key("a"))
        await under_test.cache.delete(under_test.key("a"))
        counts = [under_test.count(kind) for kind in ("hit", "miss", "write", "failure")]
        assert counts == [1, 1, 2, 0]


class TestACacheWithoutItsServer:
    async def test_has_nothing_and_never_fails(self, own_redis_server: RedisUnderTest) -> None:
        async with redis_cache(own_redis_server) as one:
            own_redis_server.kill()
            await one.cache.set(one.key("a"), b"1", LONG_S)
            assert await one.cache.get(one.key("a")) is None
            await one.cache.delete(one.key("a"))
            assert one.count("failure") == 3

    async def test_answers_within_its_time_limit_while_the_server_is_frozen(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with redis_cache(own_redis_server, retry_interval_s=5) as one:
            await one.cache.set(one.key("a"), b"1", LONG_S)
            own_redis_server.freeze()
            began = time.monotonic()
            for _ in range(100):
                assert await one.cache.get(one.key("a")) is None
            assert time.monotonic() - began < 1

    async def test_has_its_values_again_when_the_server_is_back(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async def is_there() -> bool:
            return await one.cache.get(one.key("a")) == b"1"

        async with redis_cache(own_redis_server, timeout_s=0.3, retry_interval_s=0.05) as one:
            await one.cache.set(one.key("a"), b"1", LONG_S)
            own_redis_server.freeze()
            assert not await is_there()
            own_redis_server.thaw()
            await eventually(is_there)
            own_redis_server.kill()
            assert not await is_there()
            own_redis_server.start()
            await eventually(is_there)

    async def test_takes_a_refusal_of_the_server_for_a_miss(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with redis_cache(own_redis_server, timeout_s=5) as one:
            with redis.Redis.from_url(own_redis_server.url) as operator:
                operator.config_set("maxmemory", 1)
            await one.cache.set(one.key("a"), b"1", LONG_S)
            assert one.count("failure") == 1
