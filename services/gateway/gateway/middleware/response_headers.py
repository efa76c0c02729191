"""Headers that every response carries, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EXTRA = "clientsphere.response_headers"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"


def add_response_headers(scope: Scope, headers: Mapping[str, str]) -> None:
    """Have the response to this request carry `headers`, also when it becomes an error."""
    scope.setdefault(_EXTRA, {}).update(headers)


class ResponseHeaders:
    """What a response sets itself stays: a page that needs more says so in its own policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), scope)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders, scope: Scope) -> None:
    headers.update(_ALWAYS)
    headers.update(scope.get(_EXTRA, {}))
    headers.setdefault("Content-Security-Policy", _NOTHING_ALLOWED)
    if scope["path"].startswith("/v1/"):
        headers["Cache-Control"] = "no-store"
