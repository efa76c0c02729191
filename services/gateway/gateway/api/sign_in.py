"""/v1/sign-in/{sign_in_id}: to the tenant's identity provider and back; for everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.sign_in import SignInParameters
from gateway.api.session_cookies import (
    SESSION_COOKIE,
    SIGN_IN_COOKIE,
    cookie,
    delete_cookie,
    set_cookie,
)
from gateway.browser_sign_in.authorization import ATTEMPT_LIFETIME
from gateway.browser_sign_in.model import IssuerAnswer

router = APIRouter(
    prefix="/v1/sign-in/{sign_in_id}", tags=["Credentials"], route_class=GuardedRoute
)
_SEE_OTHER = 303
_LONGEST_PARAMETER = 4096


@router.get(
    "",
    summary="Get what a command line needs to sign in",
    responses=problems("sign_in_not_found", "rate_limited", "limits_unavailable", signed_in=False),
)
async def get_sign_in(sign_in_id: str, services: TheServices) -> SignInParameters:
    """Nothing here is secret. The id is the one that your operator or admin gave you."""
    way = await services.browser_sign_in.way_in(lookup_id(sign_in_id))
    return SignInParameters(
        issuer=way.entry.url,
        client_id=way.offer.cli_client_id,
        scopes=list(way.offer.cli_scopes),
    )


@router.get(
    "/start",
    status_code=_SEE_OTHER,
    summary="Sign in with a browser",
    response_class=RedirectResponse,
    responses=problems(
        "return_path_invalid",
        "sign_in_not_found",
        "identity_provider_unavailable",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def start_sign_in(
    sign_in_id: str,
    services: TheServices,
    return_to: Annotated[str, Query(description="Where to go on: a path of this server.")] = "/",
) -> RedirectResponse:
    """Sends the browser to the tenant's identity provider, to be back within ten minutes."""
    begun = await services.browser_sign_in.begin(lookup_id(sign_in_id), return_to)
    response = RedirectResponse(begun.url, _SEE_OTHER)
    lifetime_s = int(ATTEMPT_LIFETIME.total_seconds())
    set_cookie(response, SIGN_IN_COOKIE, begun.browser_secret, lifetime_s)
    return response


@router.get(
    "/callback",
    status_code=_SEE_OTHER,
    summary="Come back from the identity provider",
    response_class=RedirectResponse,
    responses=problems(
        "sign_in_expired",
        "sign_in_refused",
        "sign_in_unproven",
        "sign_in_not_found",
        "identity_provider_unavailable",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def finish_sign_in(
    sign_in_id: str, request: Request, services: TheServices
) -> RedirectResponse:
    """The identity provider sends browsers here. Each may come back once, in the same browser."""
    answer = IssuerAnswer(
        state=_parameter(request, "state"),
        code=_parameter(request, "code"),
        error=_parameter(request, "error"),
        issuer=_parameter(request, "iss"),
    )
    browser_secret = cookie(request, SIGN_IN_COOKIE)
    arrived = await services.browser_sign_in.finish(lookup_id(sign_in_id), answer, browser_secret)
    response = RedirectResponse(arrived.url, _SEE_OTHER)
    delete_cookie(response, SIGN_IN_COOKIE)
    lifetime_s = int(services.sessions.policy.lifetime.total_seconds())
    set_cookie(response, SESSION_COOKIE, arrived.session_secret, lifetime_s)
    return response


def _parameter(request: Request, name: str) -> str:
    """Empty when it is missing, too long, or there twice, which RFC 6749 forbids in 3.1."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 and len(values[0]) <= _LONGEST_PARAMETER else ""
