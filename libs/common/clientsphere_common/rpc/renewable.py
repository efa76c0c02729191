"""A channel whose connections are exchanged under the stubs that use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

_LONGEST_CALL_S = 900.0


class RenewableChannel(grpc.aio.Channel):
    """Each call takes the channel of its moment and keeps it to its end."""

    def __init__(self, first: grpc.aio.Channel) -> None:
        self._current = first
        self._retiring: dict[asyncio.Task[None], grpc.aio.Channel] = {}

    def replace(self, channel: grpc.aio.Channel) -> None:
        """Use `channel` from here on, and close the one before when its last call has ended."""
        retired, self._current = self._current, channel
        task = asyncio.create_task(retired.close(_LONGEST_CALL_S), name="retired channel")
        self._retiring[task] = retired
        task.add_done_callback(self._retiring.pop)

    async def close(self, grace: float | None = None) -> None:
        for task, retired in list(self._retiring.items()):
            task.cancel()
            await retired.close()
        await self._current.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current.channel_ready()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._following(lambda channel: channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._following(lambda channel: channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._following(lambda channel: channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._following(lambda channel: channel.stream_stream(*args, **kwargs))

    def _following(
        self, method_of: Callable[[grpc.aio.Channel], Callable[..., Any]]
    ) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return method_of(self._current)(*args, **kwargs)

        return call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()
