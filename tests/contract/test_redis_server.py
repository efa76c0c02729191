"""Calls of a real Redis: never another call's reply, never a long wait, never lost for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.harness.cancelling import CancelledAt
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest
from tests.harness.servers import REDIS_PASSWORD

KEYS = [f"key-{number}" for number in range(4)]


@asynccontextmanager
async def connected(
    redis: RedisUnderTest, password: str = "", **settings: float
) -> AsyncIterator[RedisServer]:
    """Patient, unless `settings` say otherwise."""
    chosen = RedisSettings.model_validate({"url": redis.url, "timeout_s": 5, **settings})
    server = RedisServer(chosen, (lambda: password) if password else None)
    async with running(server):
        yield server


async def answers(server: RedisServer) -> bool:
    try:
        await server.check()
    except DependencyUnavailableError:
        return False
    return True


async def failure_of(call: Awaitable[object]) -> str:
    with pytest.raises(DependencyUnavailableError) as failure:
        await call
    return failure.value.code


class TestCancelledCalls:
    async def test_at_every_place_give_nobody_the_reply_of_another(
        self, locked_redis_server: RedisUnderTest
    ) -> None:
        """Connecting and logging in included."""
        nth_wait, is_cancelled = 0, True
        while is_cancelled:
            nth_wait += 1
            is_cancelled = await self._round(locked_redis_server, nth_wait)
        assert nth_wait > 4  # A connection, its login, a command.

    async def _round(self, redis: RedisUnderTest, nth_wait: int) -> bool:
        """Begins without a connection; returns whether a call has waited that often."""
        settings = RedisSettings(url=redis.url, timeout_s=5, max_connections=2)
        server = RedisServer(settings, lambda: REDIS_PASSWORD)
        try:
            calls = [CancelledAt(server.call("ECHO", f"lost-{key}"), nth_wait) for key in KEYS]
            lost = [asyncio.create_task(_result_of(call)) for call in calls]
            await asyncio.gather(*(self._ask(server, key) for key in KEYS))
            ends = await asyncio.gather(*lost, return_exceptions=True)
            for key, end in zip(KEYS, ends, strict=True):
                assert isinstance(end, asyncio.CancelledError) or end == f"lost-{key}".encode()
            # Both connections can still be had, at the same time.
            await asyncio.gather(*(self._ask(server, key) for key in KEYS))
        finally:
            await server.stop()
        return any(call.was_cancelled for call in calls)

    async def _ask(self, server: RedisServer, key: str) -> None:
        for turn in range(8):
            assert await server.call("ECHO", f"{key}-{turn}") == f"{key}-{turn}".encode()

    async def test_whose_reply_comes_late_leave_it_to_nobody(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server, max_connections=1) as server:
            own_redis_server.freeze()
            call = asyncio.create_task(server.call("ECHO", "late"))
            await asyncio.sleep(0.05)
            call.cancel()
            await asyncio.wait({call})
            own_redis_server.thaw()
            assert await server.call("ECHO", "next") == b"next"

    async def test_are_no_sign_that_the_server_is_away(self, redis_server: RedisUnderTest) -> None:
        async with connected(redis_server) as server:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.create_task(_result_of(CancelledAt(server.call("PING"), 1)))
            assert await answers(server)


async def _result_of(call: CancelledAt[bytes]) -> bytes:
    return await call


class TestAFrozenServer:
    async def test_costs_one_time_limit_and_then_nothing(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server, timeout_s=0.05, retry_interval_s=5) as server:
            own_redis_server.freeze()
            began = time.monotonic()
            assert await failure_of(server.call("PING")) == "redis_unavailable"
            after_first = time.monotonic()
            for _ in range(100):
                assert await failure_of(server.call("PING")) == "circuit_open"
            assert 0.05 <= after_first - began < 1
            assert time.monotonic() - after_first < 1

    async def test_is_used_again_after_it_has_thawed(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server, timeout_s=0.3, retry_interval_s=0.05) as server:
            own_redis_server.freeze()
            assert not await answers(server)
            own_redis_server.thaw()
            await eventually(lambda: answers(server))
            assert await server.call("ECHO", "own") == b"own"


class TestAServerThatIsGone:
    async def test_does_not_keep_a_process_from_starting(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        own_redis_server.kill()
        async with connected(own_redis_server, retry_interval_s=0.05) as server:
            with pytest.raises(DependencyUnavailableError) as failure:
                await server.check()
            own_redis_server.start()
            await eventually(lambda: answers(server))
        assert own_redis_server.url.split("//")[1] not in failure.value.message

    async def test_is_used_again_after_a_restart(self, own_redis_server: RedisUnderTest) -> None:
        async with connected(own_redis_server, retry_interval_s=0.05) as server:
            await server.call("SET", "kept", "value")
            own_redis_server.kill()
            assert not await answers(server)
            own_redis_server.start()
            await eventually(lambda: answers(server))
            assert await server.call("GET", "kept") == b"value"


class TestIdleConnections:
    async def test_that_the_server_closes_are_replaced(
        self, own_redis_server: RedisUnderTest
    ) -> None:
        async with connected(own_redis_server) as server, connected(own_redis_server) as other:
            await other.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            # As long as the news takes to arrive.
            await asyncio.sleep(0.05)
            assert await server.call("ECHO", "on") == b"on"

    async def test_are_not_trusted_after_a_failure(self, own_redis_server: RedisUnderTest) -> None:
        """Or each of them would cost a failure of its own."""
        async with connected(own_redis_server, timeout_s=0.3, retry_interval_s=0.05) as server:
            await asyncio.gather(*(server.call("PING") for _ in range(8)))
            own_redis_server.freeze()
            assert await failure_of(server.call("PING")) == "redis_unavailable"
            own_redis_server.thaw()
            await eventually(lambda: answers(server))
            async with connected(own_redis_server) as other:
                clients = (await other.call("CLIENT", "LIST", "TYPE", "normal")).splitlines()
        assert len(clients) == 2


class TestPasswords:
    async def test_that_are_wrong_are_told(self, locked_redis_server: RedisUnderTest) -> None:
        async with connected(locked_redis_server, "wrong") as server:
            with pytest.raises(DependencyUnavailableError) as failure:
                await server.check()
        assert failure.value.code == "redis_denied"
        assert "wrong" not in repr(failure.value.__cause__)

    async def test_that_are_missing_are_told(self, locked_redis_server: RedisUnderTest) -> None:
        async with connected(locked_redis_server, retry_interval_s=0.01) as server:
            assert not await answers(server)

    async def test_that_changed_hold_for_new_connections(
        self, locked_redis_server: RedisUnderTest
    ) -> None:
        passwords = ["outdated"]
        settings = RedisSettings(url=locked_redis_server.url, timeout_s=5, retry_interval_s=0.01)
        server = RedisServer(settings, lambda: passwords[-1])
        async with running(server):
            assert not await answers(server)
            passwords.append(REDIS_PASSWORD)
            await eventually(lambda: answers(server))

    async def test_may_belong_to_a_user(self, locked_redis_server: RedisUnderTest) -> None:
        async with connected(locked_redis_server, REDIS_PASSWORD) as server:
            await server.call("ACL", "SETUSER", "gateway", "on", ">open-sesame", "+ping")
        settings = RedisSettings(url=locked_redis_server.url, username="gateway", timeout_s=5)
        user = RedisServer(settings, lambda: "open-sesame")
        async with running(user):
            assert await answers(user)
            with pytest.raises(DependencyUnavailableError):
                await user.call("GET", "key")
