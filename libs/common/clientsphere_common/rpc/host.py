"""Serves gRPC services on one address for as long as the process runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.frame import RequestFrame

_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_DRAIN_S = 10.0
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
)


class GrpcHost:
    """A gRPC server with the frame around every service, and the standard health service."""

    name = "grpc"

    def __init__(self, address: str, services: Sequence[ServiceParts], frame: RequestFrame) -> None:
        self._address = address
        self._services = services
        self._frame = frame
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()

    async def start(self) -> None:
        # Made here, not in the constructor: a server belongs to the loop that runs it.
        self._server = grpc.aio.server(interceptors=[self._frame], options=CHANNEL_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for service in self._services:
            service.register(self._server)
        self._server.add_insecure_port(self._address)
        await self._server.start()
        for name in ("", *(service.name for service in self._services)):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Refuse new calls, give those in hand ten seconds, then end them."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await asyncio.shield(self._server.stop(_DRAIN_S))


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to `address`. Clients take any object of this type: it is the seam for others."""
    return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
