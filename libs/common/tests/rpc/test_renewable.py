"""Stubs outlive the connections that they were made for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from clientsphere_common.rpc.channels import open_channel
from clientsphere_common.rpc.renewable import RenewableChannel
from tests.harness.raw import RAW_METHOD

NAME, METHOD = RAW_METHOD.strip("/").split("/")


class Server:
    """Serves one method without anything around it, and says which server answered."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def answer(self, _request: Any, _context: object) -> bytes:
        self.started.set()
        await self.go_on.wait()
        return self.name

    async def stream(self, _request: Any, _context: object) -> AsyncIterator[bytes]:
        yield self.name

    async def run(self, stack: AsyncExitStack, handler: Any) -> grpc.aio.Channel:
        """A channel to the server, which runs as long as the stack."""
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(NAME, {METHOD: handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, None)
        return open_channel(f"127.0.0.1:{port}")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class TestRenewableChannel:
    async def test_every_kind_of_call_goes_to_the_new_server(self, stack: AsyncExitStack) -> None:
        old, new = Server(b"old"), Server(b"new")
        cases: list[tuple[Any, str, Any]] = [
            (grpc.unary_unary_rpc_method_handler, "unary_unary", "answer"),
            (grpc.stream_unary_rpc_method_handler, "stream_unary", "answer"),
            (grpc.unary_stream_rpc_method_handler, "unary_stream", "stream"),
            (grpc.stream_stream_rpc_method_handler, "stream_stream", "stream"),
        ]
        for make_handler, kind, behavior in cases:
            first = await old.run(stack, make_handler(getattr(old, behavior)))
            second = await new.run(stack, make_handler(getattr(new, behavior)))
            async with RenewableChannel(first) as channel:
                method = getattr(channel, kind)(RAW_METHOD)
                assert await outcome(method, kind) == b"old"
                channel.replace(second)
                assert await outcome(method, kind) == b"new"

    async def test_a_call_in_hand_ends_where_it_began(self, stack: AsyncExitStack) -> None:
        old, new = Server(b"old"), Server(b"new")
        first = await old.run(stack, grpc.unary_unary_rpc_method_handler(old.answer))
        second = await new.run(stack, grpc.unary_unary_rpc_method_handler(new.answer))
        async with RenewableChannel(first) as channel:
            old.go_on.clear()
            in_hand = channel.unary_unary(RAW_METHOD)(b"")
            await old.started.wait()
            channel.replace(second)
            assert await channel.unary_unary(RAW_METHOD)(b"") == b"new"
            old.go_on.set()
            assert await in_hand == b"old"

    async def test_closing_it_ends_the_calls_of_all_its_channels(
        self, stack: AsyncExitStack
    ) -> None:
        old, new = Server(b"old"), Server(b"new")
        first = await old.run(stack, grpc.unary_unary_rpc_method_handler(old.answer))
        second = await new.run(stack, grpc.unary_unary_rpc_method_handler(new.answer))
        old.go_on.clear()
        channel = RenewableChannel(first)
        in_hand = channel.unary_unary(RAW_METHOD)(b"")
        await old.started.wait()
        channel.replace(second)
        await channel.close()
        assert await in_hand.code() is grpc.StatusCode.CANCELLED

    async def test_its_state_is_that_of_the_channel_in_use(self, stack: AsyncExitStack) -> None:
        server = Server(b"")
        first = await server.run(stack, grpc.unary_unary_rpc_method_handler(server.answer))
        async with RenewableChannel(first) as channel:
            assert channel.get_state() is grpc.ChannelConnectivity.IDLE
            await channel.channel_ready()
            assert channel.get_state() is grpc.ChannelConnectivity.READY
            await channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE)


async def outcome(method: Any, kind: str) -> bytes:
    request = iter([b""]) if kind.startswith("stream") else b""
    if kind.endswith("unary"):
        return bytes(await method(request))
    async for response in method(request):
        return bytes(response)
    raise AssertionError
