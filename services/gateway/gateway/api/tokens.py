"""POST /v1/tokens and the keys that verify what it issues."""

from __future__ import annotations

from fastapi import APIRouter, Request

from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices
from gateway.api.gate import enter
from gateway.api.problem_docs import problems
from gateway.api.schemas.credentials import AccessToken, PublicKeys, TokenRequest
from gateway.middleware.request_limits import address_of
from gateway.tokens import IssuedToken

router = APIRouter(tags=["Credentials"], route_class=GuardedRoute)


@router.post(
    "/v1/tokens",
    summary="Exchange an API key for an access token",
    responses=problems(
        "invalid_request",
        "api_key_invalid",
        "api_key_expired",
        "api_key_revoked",
        "network_not_allowed",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
    response_model=AccessToken,
)
async def issue_token(body: TokenRequest, request: Request, services: TheServices) -> IssuedToken:
    """A token may do what its key may, for 15 minutes, and is void as soon as the key is."""
    address = address_of(request.scope)
    caller = await services.api_keys.authenticate(body.api_key, address.text)
    await enter(request, caller)
    return await services.sign_in.token_for(caller)


@router.get(
    "/.well-known/jwks.json",
    summary="Get the keys that verify access tokens",
)
async def list_public_keys(services: TheServices) -> PublicKeys:
    """A JSON Web Key Set (RFC 7517)."""
    return PublicKeys(keys=services.tokens.public_keys())
