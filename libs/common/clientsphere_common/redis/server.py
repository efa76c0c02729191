"""Calls Redis: one time limit for all that a call needs, and no retries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, NoScriptError, RedisError

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.redis.connections import Connections
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.resilience.breaker import BreakerPolicy, CircuitBreaker


class RedisServer:
    """A module, usable while the server is away: then calls fail at once."""

    name = "redis"

    def __init__(
        self,
        settings: RedisSettings,
        read_password: Callable[[], str] | None = None,
    ) -> None:
        self._timeout_s = settings.timeout_s
        # After one failure: no other request shall wait for a server that is away.
        policy = BreakerPolicy(failures=1, open_s=settings.retry_interval_s)
        self._breaker = CircuitBreaker("Redis server", policy)
        self._places = asyncio.Semaphore(settings.max_connections)
        self._connections = Connections(_pool(settings, read_password).make_connection)

    async def start(self) -> None:
        """Connect; a server that does not answer is logged and tried again later."""
        with suppress(DependencyUnavailableError):
            await self.call("PING")

    async def stop(self) -> None:
        await self._connections.close_idle()

    async def check(self) -> None:
        """Raise DependencyUnavailableError when the server does not answer."""
        await self._breaker.check(lambda: self._call("PING"))

    async def call(self, *command: str | bytes | int) -> Any:
        """Send one command and return its reply, with texts as bytes.

        Raises DependencyUnavailableError; NoScriptError for a script that the server does not have.
        """
        return await self._breaker.call(lambda: self._call(*command))

    async def _call(self, *command: str | bytes | int) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s), self._places:
                return await self._connections.run(*command)
        except NoScriptError:
            raise
        except (RedisError, OSError, TimeoutError) as error:
            # What holds for one connection most often holds for those that wait for their turn.
            await self._connections.close_idle()
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> DependencyUnavailableError:
    if isinstance(error, AuthenticationError):
        return DependencyUnavailableError("redis_denied", "Redis does not let us in.")
    return DependencyUnavailableError("redis_unavailable", "Redis does not answer.")


class _Login(CredentialProvider):
    """Asked at every new connection, so a changed password needs no restart."""

    def __init__(self, username: str, read_password: Callable[[], str]) -> None:
        self._username = username
        self._read_password = read_password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._read_password()
        return (self._username, password) if self._username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


def _pool(settings: RedisSettings, read_password: Callable[[], str] | None) -> ConnectionPool:
    tls: dict[str, Any] = {}
    if settings.ca_file is not None:
        tls["ssl_ca_certs"] = str(settings.ca_file)
    return ConnectionPool.from_url(
        settings.url,
        credential_provider=_Login(settings.username, read_password) if read_password else None,
        # `call` limits the time, of everything together.
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), retries=0),
        # Version 3 has messages beside replies, and takes more round trips to begin.
        protocol=2,
        driver_info=None,
        **tls,
    )
