"""Lets a request through: who is it, is it one too many, may they do this."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from fastapi import Request

from clientsphere_common.access.enforcement import require
from clientsphere_common.access.model import Access
from clientsphere_common.errors import LimitExceededError, UnauthenticatedError
from clientsphere_common.rate_limits.model import Standing
from clientsphere_common.request import Caller, set_caller
from gateway.api.client_address import client_address
from gateway.api.dependencies import services_of
from gateway.middleware.response_headers import add_response_headers


async def admit(request: Request, access: Access) -> None:
    """Make the request act for its caller. Raises what stands in the way."""
    authentication = services_of(request).authentication
    caller = await authentication.caller(_credential(request), client_address(request))
    await enter(request, caller)
    require(caller, access)


def admit_operator(request: Request) -> None:
    services_of(request).authentication.require_operator(_credential(request))


async def enter(request: Request, caller: Caller) -> None:
    """Act for `caller` from here on. Raises LimitExceededError for a request too many."""
    set_caller(caller)
    structlog.contextvars.bind_contextvars(tenant=caller.tenant_id, principal=caller.principal_id)
    standings = await services_of(request).limits.take(caller)
    add_response_headers(request.scope, _rate_limit_headers(standings))
    retry_after_s = max(standing.retry_after_s for standing in standings)
    if retry_after_s:
        raise LimitExceededError(
            "rate_limited", "There were too many requests.", retry_after_s=retry_after_s
        )


def _credential(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    scheme, _, credential = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not credential.strip(" "):
        raise UnauthenticatedError(
            "credentials_missing",
            "Send one header: Authorization: Bearer <access token or API key>.",
        )
    return credential.strip(" ")


def _rate_limit_headers(standings: Iterable[Standing]) -> dict[str, str]:
    """RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": ", ".join(
            f'"{one.limit.name}";q={one.limit.per_minute};w=60' for one in standings
        ),
        "RateLimit": ", ".join(
            f'"{one.limit.name}";r={one.remaining};t={round(one.full_in_s)}' for one in standings
        ),
    }
