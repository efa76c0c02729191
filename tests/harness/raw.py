"""A service of plain functions on bytes, for tests of what surrounds every RPC.

parts = raw_service(grpc.unary_unary_rpc_method_handler(echo))
async with rpc_host(parts) as host:
    await host.calls.unary(raw_unary(host.channel), b"ping", timeout_s=5)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc

from clientsphere_common.modules import ServiceParts

if TYPE_CHECKING:
    from grpc.aio import (
        StreamUnaryMultiCallable,
        UnaryStreamMultiCallable,
        UnaryUnaryMultiCallable,
    )

_NAME = "test.Raw"
RAW_METHOD = f"/{_NAME}/Do"


def raw_service(do: grpc.RpcMethodHandler[Any, Any]) -> ServiceParts:
    """Serves one method; without serializers its messages are bytes."""
    handlers = grpc.method_handlers_generic_handler(_NAME, {"Do": do})

    def register(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((handlers,))

    return ServiceParts(name=_NAME, register=register, modules=())


def raw_unary(channel: grpc.aio.Channel) -> UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary(RAW_METHOD)


def raw_client_stream(channel: grpc.aio.Channel) -> StreamUnaryMultiCallable[bytes, bytes]:
    return channel.stream_unary(RAW_METHOD)


def raw_server_stream(channel: grpc.aio.Channel) -> UnaryStreamMultiCallable[bytes, bytes]:
    return channel.unary_stream(RAW_METHOD)


class Waiting:
    """Methods that wait until they are cancelled."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def answer(self, _request: object, _context: object) -> bytes:
        await self._wait()
        return b""

    async def stream(self, request: bytes, _context: object) -> AsyncIterator[bytes]:
        yield request
        await self._wait()

    async def _wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def echo(request: bytes, _context: object) -> bytes:
    return request
