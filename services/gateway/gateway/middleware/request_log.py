"""Gives each request its ids, and tells what became of it: a log line, a duration, a count."""

from __future__ import annotations

import re
import time

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientsphere_common.errors import InternalError
from clientsphere_common.request import new_trace, set_trace
from gateway.metrics import HttpMetrics
from gateway.problems import error_response

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
_CLIENT_LEFT = 499
"""What logs and metrics say when the client did not wait for its response."""


class RequestLog:
    """The outermost layer: what it lets through as an exception would be nobody's."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        response = _Response(send, _begin_trace(scope))
        try:
            with self._metrics.in_flight.track_inprogress():
                await self._respond(scope, receive, response)
        finally:
            self._tell(scope, response.status, time.perf_counter() - started)

    async def _respond(self, scope: Scope, receive: Receive, response: _Response) -> None:
        try:
            await self._app(scope, receive, response.send)
        except ClientDisconnect:
            response.status = _CLIENT_LEFT
        except Exception as error:
            log.exception("request_failed", route=_route(scope), error=type(error).__name__)
            if response.status:
                # Too late to say it: cutting the connection tells the client that this is not all.
                raise
            internal = InternalError("internal", "Something went wrong on our side.")
            await error_response(internal)(scope, receive, response.send)

    def _tell(self, scope: Scope, status: int, elapsed_s: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route(scope)
        self._metrics.observe(method, route, status or _CLIENT_LEFT, elapsed_s)
        write = log.debug if route in _QUIET_ROUTES else log.info
        write(
            "request_served",
            method=method,
            route=route,
            status=status or _CLIENT_LEFT,
            elapsed_ms=round(elapsed_s * 1e3, 1),
        )


class _Response:
    """Sends a response and remembers its status; 0 until it has one."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.status = 0
        self._send = send
        self._request_id = request_id.encode()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._request_id)]
        await self._send(message)


def _begin_trace(scope: Scope) -> str:
    """Keeps a client's ids when they are well formed: they end up in logs and in other services."""
    headers = Headers(scope=scope)
    request_id = headers.get("x-request-id", "")
    traceparent = headers.get("traceparent", "")
    trace = new_trace(
        request_id if _REQUEST_ID.fullmatch(request_id) else None,
        traceparent if _TRACEPARENT.fullmatch(traceparent) else None,
    )
    set_trace(trace)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=trace.request_id)
    return trace.request_id


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "other")
