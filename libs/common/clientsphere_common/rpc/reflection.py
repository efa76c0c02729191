"""Tells clients such as grpcurl what a server serves; off unless asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import grpc
from grpc_reflection.v1alpha import reflection

from clientsphere_common.modules import ServiceParts


def add_reflection(services: Sequence[ServiceParts], server: grpc.aio.Server) -> None:
    names = _Names()
    for service in services:
        service.register(cast(grpc.aio.Server, names))
    reflection.enable_server_reflection([*names.found, reflection.SERVICE_NAME], server)


class _Names:
    """Stands in for a server, to learn the full names of what registers with it."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.ServiceRpcHandler]) -> None:
        self.found += [handler.service_name() for handler in handlers]

    def add_registered_method_handlers(self, _service: str, _handlers: Any) -> None:
        """The same service once more."""
