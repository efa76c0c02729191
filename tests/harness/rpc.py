"""Runs services behind a real gRPC server for tests that call them as others do.

    async with rpc_host(build(...)) as host:
        as_caller("tnt_a")
        head = await host.calls.unary(AuditServiceStub(host.channel).GetHead, request, timeout_s=5)

A service that calls another one is given the channel and the calls of a host around that one.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from clientsphere_common.access.model import Entry, Permission
from clientsphere_common.access.table import METHOD_ACCESS
from clientsphere_common.caller_context import CallerSigner, CallerVerifier
from clientsphere_common.modules import ServiceParts
from clientsphere_common.request import Caller, set_caller
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.channels import open_channel
from clientsphere_common.rpc.frame import MAX_CONCURRENT_CALLS, RequestFrame
from clientsphere_common.rpc.host import GrpcHost
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.rpc.transport import LOCAL, Transport
from tests.harness.modules import running
from tests.harness.raw import RAW_METHOD

_ISSUER = "test"


@dataclass(frozen=True)
class RpcHost:
    server: GrpcHost
    address: str
    channel: grpc.aio.Channel
    signer: CallerSigner
    """Its contexts are what the host trusts."""
    calls: OutgoingCalls
    """Made with the signer, so the host accepts them."""
    metrics: CollectorRegistry


@asynccontextmanager
async def rpc_host(
    *services: ServiceParts,
    address: str | None = None,
    transport: Transport = LOCAL,
    key: Ed25519PrivateKey | None = None,
    max_concurrent_calls: int = MAX_CONCURRENT_CALLS,
) -> AsyncIterator[RpcHost]:
    """Start the services as a process does, workers last; stop all in reverse at the end.

    They listen on a unix socket, or on the port of the loopback that `address` names. Hosts with
    the same `key` trust each other's callers.
    """
    key = key or Ed25519PrivateKey.generate()
    metrics = CollectorRegistry()
    frame = RequestFrame(
        CallerVerifier({_ISSUER: [key.public_key()]}),
        RpcMetrics(metrics),
        max_concurrent_calls,
        {**METHOD_ACCESS, RAW_METHOD: (Entry.SIGNED_IN,)},
    )
    async with AsyncExitStack() as stack:
        # Not pytest's tmp_path: the name of a unix socket is limited to about 100 bytes.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cs-")))
        asked_for = address or f"unix:{folder / 'rpc.sock'}"
        server = GrpcHost(asked_for, services, frame, transport)
        modules = [module for parts in services for module in parts.modules]
        workers = [worker for parts in services for worker in parts.workers]
        await stack.enter_async_context(running(*modules, server, *workers))
        bound = f"127.0.0.1:{server.port}" if address else asked_for
        channel = await stack.enter_async_context(open_channel(bound, transport))
        signer = CallerSigner(_ISSUER, key)
        yield RpcHost(server, bound, channel, signer, OutgoingCalls(signer), metrics)


def as_caller(
    tenant_id: str,
    principal_id: str = "usr_test",
    permissions: frozenset[str] = frozenset(Permission),
) -> Caller:
    """Make every call that this test starts from here on in the name of this caller."""
    caller = Caller(tenant_id, principal_id, permissions=permissions)
    set_caller(caller)
    return caller
