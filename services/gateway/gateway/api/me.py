"""GET /v1/me: who the credential stands for."""

from __future__ import annotations

from fastapi import APIRouter

from clientsphere_common.request import Caller
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices
from gateway.api.problem_docs import problems
from gateway.api.schemas.me import Me, NamedPrincipal, NamedTenant
from gateway.services import Services
from gateway.token_issuers.signed_in import is_user

router = APIRouter(tags=["Credentials"], route_class=GuardedRoute)


@router.get(
    "/v1/me",
    summary="Get your tenant, your roles and what they permit",
    responses=problems(),
)
async def get_me(services: TheServices, caller: TheCaller) -> Me:
    """The first call to make with a new key."""
    tenant = await services.tenants.own(caller)
    return Me(
        tenant=NamedTenant(id=tenant.id, name=tenant.name),
        principal=await _principal(services, caller),
        roles=list(caller.roles),
        permissions=sorted(caller.permissions),
    )


async def _principal(services: Services, caller: Caller) -> NamedPrincipal:
    if is_user(caller):
        return NamedPrincipal(id=caller.principal_id, name=None, kind="user")
    key = await services.api_keys.get(caller, caller.principal_id)
    return NamedPrincipal(id=key.id, name=key.name, kind="api_key")
