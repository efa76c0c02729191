"""Counts every request by its address before anything else, and settles what it was given."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clientsphere_common.errors import LimitExceededError
from clientsphere_common.rate_limits.model import ConcurrencyLimit, Limit, Standing
from gateway.client_address import ClientAddress, ClientAddresses
from gateway.limit_rules import LimitName
from gateway.limits import Admission, RequestLimits
from gateway.middleware.response_headers import add_response_headers
from gateway.problems import error_response

_ADDRESS = "clientsphere.client_address"
_ADMISSIONS = "clientsphere.admissions"


def address_of(scope: Scope) -> ClientAddress:
    """Where the request comes from."""
    address: ClientAddress = scope[_ADDRESS]
    return address


def admissions_of(scope: Scope) -> list[Admission]:
    """What the request was given so far, to be settled when its response has ended."""
    admissions: list[Admission] = scope.setdefault(_ADMISSIONS, [])
    return admissions


def tell_limits(scope: Scope, standings: Iterable[Standing]) -> None:
    """RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10."""
    told = [standing for standing in standings if not standing.limit.is_shadow]
    headers = {
        "RateLimit-Policy": ", ".join(_policy(one.limit) for one in told),
        "RateLimit": ", ".join(
            f'"{one.limit.name}";r={one.remaining};t={round(one.full_in_s)}' for one in told
        ),
    }
    if told:
        add_response_headers(scope, headers)


class RequestLimiting:
    """What one address may ask of this process is bounded before any credential is looked at."""

    def __init__(self, app: ASGIApp, limits: RequestLimits, addresses: ClientAddresses) -> None:
        self._app = app
        self._limits = limits
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = scope[_ADDRESS] = self._address(scope)
        arrival = await self._limits.arrive(address.network)
        try:
            arrival.require()
        except LimitExceededError as error:
            tell_limits(scope, arrival.standings)
            await error_response(error)(scope, receive, send)
            return
        admissions = admissions_of(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            for admission in admissions:
                self._limits.settle(admission)

    def _address(self, scope: Scope) -> ClientAddress:
        peer, _ = scope.get("client") or (None, 0)
        return self._addresses.find(peer, Headers(scope=scope).getlist)


def _policy(limit: Limit) -> str:
    if isinstance(limit, ConcurrencyLimit):
        return f'"{limit.name}";q={limit.burst};qu="concurrent-requests"'
    unit = ';qu="tokens"' if limit.name == LimitName.TOKENS else ""
    return f'"{limit.name}";q={limit.per_minute}{unit};w=60'
