"""Opens what a process needs to call other processes, and to be called, over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.modules import Opened, ServiceParts
from clientsphere_common.readiness import Check
from clientsphere_common.rpc.channels import ServiceChannel
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.host import GrpcHost
from clientsphere_common.rpc.settings import RpcSettings
from clientsphere_common.rpc.tls import TlsFilesError


def open_service_channel(
    settings: RpcSettings, service: str, address: str
) -> Opened[grpc.aio.Channel]:
    """Raises DependencyUnavailableError while the certificates cannot be read."""
    try:
        channel = ServiceChannel(service, address, settings.transport)
    except TlsFilesError as error:
        raise _not_there_yet(error) from error
    return Opened(channel.channel, [channel], [Check(service, channel.check)])


def grpc_host(
    settings: RpcSettings, services: Sequence[ServiceParts], frame: RequestFrame
) -> GrpcHost:
    """Raises DependencyUnavailableError while the certificates cannot be read."""
    transport = settings.transport
    try:
        if transport.tls is not None:
            transport.tls.read()
    except TlsFilesError as error:
        raise _not_there_yet(error) from error
    return GrpcHost(settings.address, services, frame, transport, reflection=settings.reflection)


def _not_there_yet(error: TlsFilesError) -> DependencyUnavailableError:
    """Whoever writes the files may be slower than we are."""
    return DependencyUnavailableError("certificates_unusable", str(error))
