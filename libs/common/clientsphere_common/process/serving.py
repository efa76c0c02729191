"""Puts a service that others call over gRPC behind an address of its own."""

from __future__ import annotations

from clientsphere_common.modules import ServiceParts
from clientsphere_common.process.caller_keys import open_verifier
from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.readiness_watch import ReadinessWatch
from clientsphere_common.process.resources import Resources
from clientsphere_common.rpc.assembly import grpc_host
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.rpc.settings import RpcSettings


async def over_grpc(resources: Resources, service: ServiceParts) -> ProcessParts:
    """Everything in order: what the service needs, the service, its address, its workers.

    Raises NotFoundError, or DependencyUnavailableError, while the keys of callers cannot be had.
    """
    verifier = resources.take(await open_verifier(resources.secrets))
    rpc = RpcSettings()
    metrics = RpcMetrics(resources.registry)
    frame = RequestFrame(verifier, metrics, rpc.max_concurrent_calls)
    host = grpc_host(rpc, [service], frame)
    return ProcessParts(
        modules=[
            *resources.modules,
            *service.modules,
            host,
            *service.workers,
            ReadinessWatch(resources.state, host.set_ready),
        ],
        checks=[*service.checks, *resources.checks],
    )
