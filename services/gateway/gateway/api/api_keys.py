"""/v1/api-keys: the credentials of programs."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from clientsphere_common.paging import Page
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.filters import TheKeyChoice
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.credentials import (
    ApiKeyList,
    CreatedApiKey,
    NewApiKeyBody,
    RotatedApiKey,
    RotationBody,
)
from gateway.model.tenancy import ApiKey, KeyWish

router = APIRouter(prefix="/v1/api-keys", tags=["Credentials"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create an API key",
    responses=problems(
        "invalid_request",
        "scope_beyond_role",
        "permission_denied",
        "permissions_above_own",
        "networks_above_own",
        "role_above_own",
        "role_not_found",
        "limits_unavailable",
    ),
)
async def create_api_key(
    body: NewApiKeyBody, services: TheServices, caller: TheCaller
) -> CreatedApiKey:
    """The key is shown this once. It can never do more than you."""
    lifetime = None if body.expires_in_days is None else timedelta(days=body.expires_in_days)
    wish = KeyWish(body.name, body.role, lifetime, body.scopes, body.networks)
    issued = await services.api_keys.create(caller, wish)
    return CreatedApiKey.model_validate(vars(issued.record) | {"key": issued.key})


@router.get(
    "",
    summary="List the API keys",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=ApiKeyList,
)
async def list_api_keys(
    services: TheServices, caller: TheCaller, choice: TheKeyChoice, page: ThePage
) -> Page[ApiKey]:
    """Of the tenant, oldest first, without their secrets, which nobody can read back."""
    return await services.api_keys.page(caller, choice, page)


@router.post(
    "/{api_key_id}/rotate",
    summary="Give an API key a new secret",
    responses=problems(
        "invalid_request",
        "permission_denied",
        "permissions_above_own",
        "networks_above_own",
        "role_above_own",
        "api_key_not_found",
        "api_key_ended",
        "limits_unavailable",
    ),
)
async def rotate_api_key(
    api_key_id: str, body: RotationBody, services: TheServices, caller: TheCaller
) -> RotatedApiKey:
    """The key's new text is shown this once; everything else about the key stays as it is.

    The text from before is good for the overlap that you choose. At most two texts of a key are
    good: when it is rotated again within the overlap, the oldest ends at once.
    """
    overlap = timedelta(hours=body.overlap_hours)
    issued = await services.api_keys.rotate(caller, lookup_id(api_key_id), overlap)
    return RotatedApiKey.model_validate(vars(issued.record) | {"key": issued.key})


@router.delete(
    "/{api_key_id}",
    status_code=204,
    summary="Revoke an API key",
    responses=problems(
        "permission_denied",
        "permissions_above_own",
        "networks_above_own",
        "role_above_own",
        "api_key_not_found",
        "last_owner_key",
    ),
)
async def revoke_api_key(api_key_id: str, services: TheServices, caller: TheCaller) -> None:
    """The key and the tokens made with it end at once. Doing it again changes nothing."""
    await services.api_keys.revoke(caller, lookup_id(api_key_id))
