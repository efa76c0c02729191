"""Connections to Redis, each for one command at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError


class Connections:
    """Keeps a connection for the next command only when the reply to the last one was read whole.

    Any other one is closed at once: its reply may still come, and would be taken for that of the
    next command (CVE-2023-28858).
    """

    def __init__(self, make: Callable[[], AbstractConnection]) -> None:
        self._make = make
        self._idle: list[AbstractConnection] = []

    async def run(self, *command: str | bytes | int) -> Any:
        """Raises what redis-py does, ResponseError for a reply that is an error."""
        connection = self._idle.pop() if self._idle else self._make()
        try:
            if connection.is_connected and await connection.can_read():
                # The server has closed it.
                await connection.disconnect(nowait=True)
            # redis-py has types, but not here.
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(*command)
            reply = await connection.read_response()
        except ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._idle.append(connection)
        return reply

    async def close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)
