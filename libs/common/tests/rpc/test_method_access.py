"""Every gRPC method with every permission there is: the access table decides, whoever calls."""

from __future__ import annotations

import functools

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import CollectorRegistry

from clientsphere_common.access.model import Entry, Permission
from clientsphere_common.access.table import METHOD_ACCESS
from clientsphere_common.caller_context import CallerVerifier
from clientsphere_common.errors import PermissionDeniedError
from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.methods import SERVICES, method_names
from clientsphere_common.rpc.metrics import RpcMetrics
from tests.harness.rpc import RpcHost, as_caller, rpc_host


async def _let_in(request: bytes, _context: object) -> bytes:
    return request


def open_service(service: ServiceDescriptor) -> ServiceParts:
    """Whose methods all answer whoever is let in."""
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        method.name: grpc.unary_unary_rpc_method_handler(_let_in) for method in service.methods
    }
    handler = grpc.method_handlers_generic_handler(service.full_name, handlers)

    def register(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((handler,))

    return ServiceParts(name=service.full_name, register=register, modules=())


async def lets_in(host: RpcHost, method: str, permissions: frozenset[str]) -> bool:
    as_caller("tnt_a", permissions=permissions)
    call = functools.partial(host.calls.unary, host.channel.unary_unary(method))
    try:
        await call(b"", 5)
    except PermissionDeniedError:
        return False
    return True


class TestEveryMethod:
    async def test_lets_in_exactly_whom_the_table_names(self) -> None:
        async with rpc_host(*map(open_service, SERVICES)) as host:
            for method in sorted(method_names()):
                ways_in = set(METHOD_ACCESS[method])
                for permission in Permission:
                    is_expected = bool(ways_in & {permission, Entry.SIGNED_IN})
                    is_let_in = await lets_in(host, method, frozenset({permission}))
                    assert is_let_in is is_expected, f"{method} with {permission}"

    async def test_needs_a_permission_and_not_a_role(self) -> None:
        async with rpc_host(*map(open_service, SERVICES)) as host:
            for method in sorted(method_names()):
                is_open = Entry.SIGNED_IN in METHOD_ACCESS[method]
                assert await lets_in(host, method, frozenset()) is is_open, method

    def test_without_a_row_keeps_the_process_from_starting(self) -> None:
        some = dict(METHOD_ACCESS)
        some.pop("/clientsphere.audit.v1.AuditService/GetHead")
        with pytest.raises(LookupError, match=r"AuditService/GetHead"):
            RequestFrame(CallerVerifier({}), RpcMetrics(CollectorRegistry()), access=some)
