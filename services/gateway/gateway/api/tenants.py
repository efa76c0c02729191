"""POST /v1/tenants: for the operator of the platform."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices
from gateway.api.problem_docs import problems
from gateway.api.schemas.tenants import CreatedTenant, NewTenantBody, OwnerKey

router = APIRouter(prefix="/v1/tenants", tags=["Tenants"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create a tenant",
    responses=problems(
        "invalid_request",
        "operator_key_invalid",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def create_tenant(body: NewTenantBody, services: TheServices) -> CreatedTenant:
    """The tenant and the key of its first owner, who can then make keys for everybody else.

    The bearer is the operator's key. The owner's key is shown this once.
    """
    new = await services.tenants.create(body.name)
    return CreatedTenant(
        id=new.tenant.id,
        name=new.tenant.name,
        created_at=new.tenant.created_at,
        owner_api_key=OwnerKey(id=new.owner_key.record.id, key=new.owner_key.key),
    )
