"""Declares at each route who may use it, and enforces that before the request is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from gateway.api.gate import admit, admit_operator
from gateway.permissions import Permission

BEARER = "bearer"
_DECLARED = "x-required-permission"


class Entry(StrEnum):
    """Who may use a route that no permission of a tenant opens."""

    PUBLIC = "none"
    SIGNED_IN = "any signed-in caller"
    OPERATOR = "operator of the platform"


Access = Permission | Entry


def open_to(access: Access, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """The `openapi_extra` of a route: who may use it, for the gate and for the reader alike."""
    security: list[dict[str, list[str]]] = [] if access is Entry.PUBLIC else [{BEARER: []}]
    return {_DECLARED: access.value, "security": security, **(extra or {})}


def access_of(route: APIRoute) -> Access:
    """Raises LookupError for a route that does not say who may use it."""
    declared = (route.openapi_extra or {}).get(_DECLARED)
    for kind in (Permission, Entry):
        if declared in list(kind):
            return kind(declared)
    raise LookupError(f"{route.path} does not declare who may use it")


class GuardedRoute(APIRoute):
    """Cannot be made without a declaration, and runs its endpoint only for those it names.

    A wrapper of the handler and not a dependency: the framework reads and parses the whole body
    before it looks at dependencies.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        access = access_of(self)

        async def guarded(request: Request) -> Response:
            if access is Entry.OPERATOR:
                admit_operator(request)
            elif access is not Entry.PUBLIC:
                await admit(request, access if isinstance(access, Permission) else None)
            return await handle(request)

        return guarded
