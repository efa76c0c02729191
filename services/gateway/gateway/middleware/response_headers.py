"""Headers that every response carries, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EXTRA = "clientsphere.response_headers"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOTHING_ALLOWED = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
_MAY_BE_KEPT = ("/docs", "/openapi.json", "/.well-known/")


@dataclass(frozen=True)
class TransportSecurity:
    hsts_max_age_s: int
    """0: browsers are not told to stay with TLS."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose X-Forwarded-Proto is believed."""

    def is_https(self, scope: Scope) -> bool:
        if scope.get("scheme") == "https":
            return True
        # The last one is what the proxy before us says; those further left, anybody may have sent.
        said = ",".join(Headers(scope=scope).getlist("x-forwarded-proto")).rpartition(",")[2]
        return said.strip().lower() == "https" and self._is_trusted(scope)

    def _is_trusted(self, scope: Scope) -> bool:
        try:
            address = ip_address(scope["client"][0] if scope.get("client") else "")
        except ValueError:
            return False
        return any(address in network for network in self.trusted_proxies)


def add_response_headers(scope: Scope, headers: Mapping[str, str]) -> None:
    """Have the response to this request carry `headers`, also when it becomes an error."""
    scope.setdefault(_EXTRA, {}).update(headers)


class ResponseHeaders:
    """What a response sets itself stays: a page that needs more says so in its own policy."""

    def __init__(self, app: ASGIApp, security: TransportSecurity) -> None:
        self._app = app
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._complete(headers, scope)
                if message["status"] >= 400 or not scope["path"].startswith(_MAY_BE_KEPT):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _complete(self, headers: MutableHeaders, scope: Scope) -> None:
        headers.update(_ALWAYS)
        headers.update(scope.get(_EXTRA, {}))
        headers.setdefault("Content-Security-Policy", _NOTHING_ALLOWED)
        if self._security.hsts_max_age_s and self._security.is_https(scope):
            headers["Strict-Transport-Security"] = f"max-age={self._security.hsts_max_age_s}"
