"""Serves gRPC services on one address for as long as the process runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.reflection import add_reflection
from clientsphere_common.rpc.tls import server_credentials
from clientsphere_common.rpc.transport import LOCAL, Transport, server_options

_DRAIN_S = 10.0


class GrpcHost:
    """A gRPC server with the frame around every service, and the standard health service.

    The health of "" says that the server answers: for liveness. The health of a service's name
    says whether calls to it are welcome: for readiness, and for the processes that call it.
    """

    name = "grpc"

    def __init__(
        self,
        address: str,
        services: Sequence[ServiceParts],
        frame: RequestFrame,
        transport: Transport = LOCAL,
        *,
        reflection: bool = False,
    ) -> None:
        """Raises PlaintextRefusedError for an address of the network without TLS."""
        transport.check(address)
        self._address = address
        self._services = services
        self._frame = frame
        self._transport = transport
        self._has_reflection = reflection
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self._is_ready = True
        self._port = 0

    @property
    def port(self) -> int:
        """The port in use once it has started, also when it was asked for a free one."""
        return self._port

    async def start(self) -> None:
        """Raises RuntimeError when the address is not to be had, TlsFilesError for unusable files.

        Ready until `set_ready` says otherwise.
        """
        # Made here, not in the constructor: a server belongs to the loop that runs it.
        options = server_options(self._transport)
        self._server = grpc.aio.server(interceptors=[self._frame], options=options)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for service in self._services:
            service.register(self._server)
        if self._has_reflection:
            add_reflection(self._services, self._server)
        self._port = self._bind(self._server)
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        await self.set_ready(self._is_ready)

    async def set_ready(self, ready: bool) -> None:
        """Tell whether calls to the services are welcome; they are served either way.

        The server's own health, "", stays: who does not answer for others is no reason to restart.
        """
        self._is_ready = ready
        state = health_pb2.HealthCheckResponse
        for service in self._services:
            await self._health.set(service.name, state.SERVING if ready else state.NOT_SERVING)

    async def stop(self) -> None:
        """Refuse new calls, give those in hand ten seconds, then end them."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await asyncio.shield(self._server.stop(_DRAIN_S))

    def _bind(self, server: grpc.aio.Server) -> int:
        if self._transport.tls is None:
            return server.add_insecure_port(self._address)
        return server.add_secure_port(self._address, server_credentials(self._transport.tls))
