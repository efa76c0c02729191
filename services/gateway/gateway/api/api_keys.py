"""/v1/api-keys: the credentials of programs."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from gateway.api.access import GuardedRoute, open_to
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.credentials import (
    ApiKeyList,
    CreatedApiKey,
    ListedApiKey,
    NewApiKeyBody,
)
from gateway.permissions import Permission

router = APIRouter(prefix="/v1/api-keys", tags=["Credentials"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create an API key",
    openapi_extra=open_to(Permission.API_KEYS_MANAGE),
    responses=problems("invalid_request", "permission_denied", "role_above_own"),
)
async def create_api_key(
    body: NewApiKeyBody, services: TheServices, caller: TheCaller
) -> CreatedApiKey:
    """The key is shown this once. Its role cannot be above your own."""
    lifetime = None if body.expires_in_days is None else timedelta(days=body.expires_in_days)
    issued = await services.api_keys.create(caller, body.name, body.role, lifetime)
    record = issued.record
    return CreatedApiKey(
        id=record.id,
        name=record.name,
        role=record.role,
        prefix=record.prefix,
        created_at=record.created_at,
        expires_at=record.expires_at,
        key=issued.key,
    )


@router.get(
    "",
    summary="List the API keys",
    openapi_extra=open_to(Permission.API_KEYS_MANAGE),
    responses=problems("permission_denied"),
)
async def list_api_keys(services: TheServices, caller: TheCaller) -> ApiKeyList:
    """All keys of the tenant, without their secrets, which nobody can read back."""
    keys = await services.api_keys.list_all(caller)
    return ApiKeyList(items=[ListedApiKey.model_validate(key) for key in keys])


@router.delete(
    "/{api_key_id}",
    status_code=204,
    summary="Revoke an API key",
    openapi_extra=open_to(Permission.API_KEYS_MANAGE),
    responses=problems(
        "permission_denied", "role_above_own", "api_key_not_found", "last_owner_key"
    ),
)
async def revoke_api_key(api_key_id: str, services: TheServices, caller: TheCaller) -> None:
    """The key and the tokens made with it end at once. Doing it again changes nothing."""
    await services.api_keys.revoke(caller, lookup_id(api_key_id))
