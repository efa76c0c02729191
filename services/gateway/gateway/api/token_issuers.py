"""/v1/tenants/{tenant_id}/token-issuers: whose tokens a tenant accepts; for the operator."""

from __future__ import annotations

from fastapi import APIRouter

from clientsphere_common.paging import Page
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.token_issuers import NewTokenIssuerBody, TokenIssuerBody, TokenIssuerList

router = APIRouter(
    prefix="/v1/tenants/{tenant_id}/token-issuers",
    tags=["Tenants"],
    route_class=GuardedRoute,
)


@router.post(
    "",
    status_code=201,
    summary="Let a tenant sign in with another issuer's tokens",
    responses=problems(
        "invalid_request",
        "operator_key_invalid",
        "tenant_not_found",
        "token_issuer_ambiguous",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def register_token_issuer(
    tenant_id: str, body: NewTokenIssuerBody, services: TheServices
) -> TokenIssuerBody:
    """The issuer is an OpenID Connect provider; its tokens are for the tenant of the path.

    Its discovery document and keys are read over HTTPS when its first token comes.
    """
    issuer = body.to_model(lookup_id(tenant_id))
    return TokenIssuerBody.of(await services.token_issuers.register(issuer))


@router.get(
    "",
    summary="List a tenant's token issuers",
    responses=problems(
        "invalid_request",
        "invalid_page_token",
        "operator_key_invalid",
        "tenant_not_found",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
    response_model=TokenIssuerList,
)
async def list_token_issuers(
    tenant_id: str, services: TheServices, page: ThePage
) -> Page[TokenIssuerBody]:
    """Oldest first."""
    issuers = await services.token_issuers.page(lookup_id(tenant_id), page)
    return issuers.of(TokenIssuerBody.of)


@router.delete(
    "/{token_issuer_id}",
    status_code=204,
    summary="Remove a token issuer",
    responses=problems(
        "operator_key_invalid",
        "token_issuer_not_found",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def remove_token_issuer(tenant_id: str, token_issuer_id: str, services: TheServices) -> None:
    """Its tokens end within five seconds."""
    await services.token_issuers.remove(lookup_id(tenant_id), lookup_id(token_issuer_id))
