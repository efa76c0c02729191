"""Holds every route to the access table, before the request is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from clientsphere_common.access.model import Access, Entry
from clientsphere_common.access.table import ROUTE_ACCESS
from gateway.api.dependencies import services_of
from gateway.api.gate import admit, admit_stranger, require_operator
from gateway.api.once import once, takes_keys
from gateway.api.problem_docs import KEY_PARAMETER, with_key_problems
from gateway.api.route_classes import class_of
from gateway.api.strict_request import StrictRequest
from gateway.limit_rules import RouteClass

BEARER = "bearer"
SESSION = "session"


class GuardedRoute(APIRoute):
    """Cannot be made without a row in the table, and runs its endpoint only for those it names.

    A wrapper of the handler and not a dependency: the framework reads and parses the whole body
    before it looks at dependencies.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        (method,) = options["methods"]
        name = f"{method} {path}"
        self._access, self._class = _access_of(name), class_of(name)
        told = _documentation(self._access) | (options.pop("openapi_extra", None) or {})
        self._takes_keys = takes_keys(method, self._access)
        if self._takes_keys:
            told |= {"parameters": [KEY_PARAMETER]}
            options["responses"] = with_key_problems(options.get("responses"))
        super().__init__(path, endpoint, openapi_extra=told, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        access, route_class, takes_keys = self._access, self._class, self._takes_keys

        async def guarded(request: Request) -> Response:
            with services_of(request).limit_metrics.admission.time():
                await _let_in(request, access, route_class)
            strict = StrictRequest(request.scope, request.receive)
            return await (once(strict, access, handle) if takes_keys else handle(strict))

        return guarded


def routes_of(routes: Iterable[BaseRoute]) -> dict[str, BaseRoute]:
    """By the names that the table has for them."""
    found: dict[str, BaseRoute] = {}
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        methods = (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
        found |= {f"{method} {context.path}": route for method in methods}
    return found


def check_access(routes: Iterable[BaseRoute]) -> None:
    """Raise LookupError for a route that has no row, or that asks for more and has no guard."""
    for name, route in routes_of(routes).items():
        if _access_of(name) is not Entry.PUBLIC and not isinstance(route, GuardedRoute):
            raise LookupError(f"{name} is not a GuardedRoute, so anybody could use it")


def _access_of(name: str) -> Access:
    if name not in ROUTE_ACCESS:
        raise LookupError(f"{name} is not in the access table")
    return ROUTE_ACCESS[name]


def _documentation(access: Access) -> dict[str, Any]:
    return {"x-required-permission": access.value, "security": _security(access)}


def _security(access: Access) -> list[dict[str, list[str]]]:
    """The ways to sign in, each enough by itself."""
    if access is Entry.PUBLIC:
        return []
    return [{BEARER: []}] if access is Entry.OPERATOR else [{BEARER: []}, {SESSION: []}]


async def _let_in(request: Request, access: Access, route_class: RouteClass) -> None:
    if access not in (Entry.PUBLIC, Entry.OPERATOR):
        await admit(request, access, route_class)
    elif route_class is not RouteClass.OPEN:
        await admit_stranger(request, route_class)
    if access is Entry.OPERATOR:
        require_operator(request)
