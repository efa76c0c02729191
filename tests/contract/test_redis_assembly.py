"""Settings alone choose between this process and Redis, which is never required."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.cache.assembly import open_cache
from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.model import CacheKey
from clientsphere_common.cache.redis import RedisCache
from clientsphere_common.modules import Opened
from clientsphere_common.rate_limits.assembly import open_rate_limiter
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Bucket, Claim, RateLimit
from clientsphere_common.readiness import ask_all
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.polled import PolledSecrets
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest
from tests.harness.servers import REDIS_PASSWORD

KEY = CacheKey("tnt_a", ("a",))
Opener = Callable[[RedisSettings, PolledSecrets, CollectorRegistry], Awaitable[Opened[Any]]]
both = pytest.mark.parametrize("opener", [open_cache, open_rate_limiter])


@dataclass
class KeptSecrets:
    folder: Path
    secrets: PolledSecrets

    def write(self, password: str) -> None:
        (self.folder / "redis-password").write_text(password)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[KeptSecrets]:
    secrets = PolledSecrets(FolderSource(tmp_path), refresh_interval_s=0.02)
    async with running(secrets):
        yield KeptSecrets(tmp_path, secrets)


async def state(opened: Opened[Any]) -> str:
    return (await ask_all(opened.checks)).state


class TestWithoutAnAddress:
    async def test_everything_is_kept_in_the_process(self, kept: KeptSecrets) -> None:
        registry = CollectorRegistry()
        cache = await open_cache(RedisSettings(), kept.secrets, registry)
        limiter = await open_rate_limiter(RedisSettings(), kept.secrets, registry)
        assert isinstance(cache.use, InProcessCache)
        assert isinstance(limiter.use, InProcessRateLimiter)
        assert not [*cache.modules, *cache.checks, *limiter.modules, *limiter.checks]


class TestWithAnAddress:
    async def test_everything_is_kept_on_the_server(
        self, kept: KeptSecrets, own_redis_server: RedisUnderTest
    ) -> None:
        settings = RedisSettings(url=own_redis_server.url, timeout_s=5)
        one = await open_cache(settings, kept.secrets, CollectorRegistry())
        two = await open_cache(settings, kept.secrets, CollectorRegistry())
        async with running(*one.modules, *two.modules):
            assert isinstance(one.use, RedisCache)
            await one.use.set(KEY, b"1", 60)
            assert await two.use.get(KEY) == b"1"
            assert await state(one) == "ok"

    @both
    async def test_a_server_that_is_away_degrades_the_process_and_no_more(
        self, opener: Opener, kept: KeptSecrets, own_redis_server: RedisUnderTest
    ) -> None:
        own_redis_server.kill()
        settings = RedisSettings(url=own_redis_server.url, retry_interval_s=0.05)
        opened = await opener(settings, kept.secrets, CollectorRegistry())

        async def is_ok() -> bool:
            return await state(opened) == "ok"

        async with running(*opened.modules):
            assert await state(opened) == "degraded"
            own_redis_server.start()
            await eventually(is_ok)

    async def test_limits_hold_while_the_server_is_away(
        self, kept: KeptSecrets, own_redis_server: RedisUnderTest
    ) -> None:
        registry = CollectorRegistry()
        settings = RedisSettings(url=own_redis_server.url)
        opened = await open_rate_limiter(settings, kept.secrets, registry)
        own_redis_server.kill()
        async with running(*opened.modules):
            standings = [
                standing
                for _ in range(3)
                for standing in await opened.use.take(Claim([Bucket(RateLimit("one", 1, 2), "k")]))
            ]
        assert [bool(standing.retry_after_s) for standing in standings] == [False, False, True]
        assert registry.get_sample_value("clientsphere_rate_limit_fallbacks_total") == 3

    @both
    async def test_a_password_is_followed_without_a_restart(
        self, opener: Opener, kept: KeptSecrets, locked_redis_server: RedisUnderTest
    ) -> None:
        kept.write("outdated")
        settings = RedisSettings(url=locked_redis_server.url, timeout_s=5, retry_interval_s=0.05)
        opened = await opener(settings, kept.secrets, CollectorRegistry())

        async def is_ok() -> bool:
            return await state(opened) == "ok"

        async with running(*opened.modules):
            assert await state(opened) == "degraded"
            kept.write(REDIS_PASSWORD)
            await eventually(is_ok)
