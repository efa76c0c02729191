"""Ways to other services: spread over all their servers, and found again when they were away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rpc.methods import service_config
from clientsphere_common.rpc.renewable import RenewableChannel
from clientsphere_common.rpc.tls import Certificates, TlsFilesError, channel_credentials
from clientsphere_common.rpc.transport import LOCAL, Transport, channel_options

log = structlog.get_logger(__name__)

_LOOK_INTERVAL_S = 1.0
_FRESH_CHANNEL_S = 4.0
_CHECK_TIMEOUT_S = 1.0


def open_channel(address: str, transport: Transport = LOCAL) -> grpc.aio.Channel:
    """A channel to every server behind `address`, in turn. It connects with the first call.

    A call fails at once while no server can be reached, rather than to wait for one: its caller
    decides. Clients take any object of this type: it is the seam for others.

    Raises PlaintextRefusedError for an address of the network without TLS, TlsFilesError for
    unusable files.
    """
    certificates = transport.tls.read() if transport.tls else None
    return _open(address, transport, certificates)


class ServiceChannel:
    """A module: the channel to one other service, which may be away when this one starts.

    A gRPC channel asks for the addresses behind a name ever more rarely while there are none, up
    to every two minutes, and keeps the certificate that it was opened with. So one that is in
    trouble, or whose certificate was replaced, gives way to a fresh one as soon as that connects.
    """

    def __init__(self, service: str, address: str, transport: Transport) -> None:
        """`service` is the name under which the other process tells its health.

        Raises what `open_channel` raises.
        """
        self.name = f"channel to {service}"
        self._service = service
        self._address = address
        self._transport = transport
        self._certificates = transport.tls.read() if transport.tls else None
        self._renewable = RenewableChannel(_open(address, transport, self._certificates))
        self._health = health_pb2_grpc.HealthStub(self._renewable)
        self._upkeep: asyncio.Task[None] | None = None

    @property
    def channel(self) -> grpc.aio.Channel:
        return self._renewable

    async def start(self) -> None:
        """Begin to connect, and return at once: who is away now may come later."""
        self._renewable.get_state(try_to_connect=True)
        self._upkeep = asyncio.create_task(self._keep_usable(), name=self.name)

    async def stop(self) -> None:
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        await self._renewable.close()

    async def watch(self) -> None:
        if self._upkeep is not None:
            await asyncio.shield(self._upkeep)

    async def check(self) -> None:
        """Raises DependencyUnavailableError unless the service says within a second it is ready."""
        request = health_pb2.HealthCheckRequest(service=self._service)
        try:
            response = await self._health.Check(request, timeout=_CHECK_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise DependencyUnavailableError(
                "service_unavailable", f"{self._service} does not answer."
            ) from error
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            raise DependencyUnavailableError(
                "service_not_ready", f"{self._service} is not ready.", retry_after_s=1
            )

    async def _keep_usable(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            certificates = await self._newest_certificates()
            state = self._renewable.get_state()
            is_in_trouble = state is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            if is_in_trouble or certificates != self._certificates:
                await self._try_fresh(certificates)

    async def _newest_certificates(self) -> Certificates | None:
        if self._transport.tls is None:
            return None
        try:
            return await asyncio.to_thread(self._transport.tls.read)
        except TlsFilesError as error:
            # Now and then for as long as files are being replaced; for ever only by mistake.
            log.warning("certificates_not_replaced", error=str(error))
            return self._certificates

    async def _try_fresh(self, certificates: Certificates | None) -> None:
        fresh = _open(self._address, self._transport, certificates)
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(fresh.close)
            try:
                async with asyncio.timeout(_FRESH_CHANNEL_S):
                    await fresh.channel_ready()
            except TimeoutError:
                return
            unless_ready.pop_all()
        self._renewable.replace(fresh)
        self._certificates = certificates
        log.info("channel_renewed", service=self._service)


def _open(
    address: str, transport: Transport, certificates: Certificates | None
) -> grpc.aio.Channel:
    transport.check(address)
    options = channel_options(transport, service_config())
    if certificates is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, channel_credentials(certificates), options=options)
