"""/v1/roles: what a tenant makes of the permissions there are."""

from __future__ import annotations

from fastapi import APIRouter

from clientsphere_common.access.table import ROLE_PERMISSIONS
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.roles import BuiltInRole, RoleBody, RoleList, RoleWish
from gateway.model.tenancy import CustomRole

router = APIRouter(prefix="/v1/roles", tags=["Credentials"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create a role",
    responses=problems(
        "invalid_request", "permission_denied", "permissions_above_own", "role_exists"
    ),
    response_model=RoleBody,
)
async def create_role(body: RoleWish, services: TheServices, caller: TheCaller) -> CustomRole:
    """For keys that are to do something else than the built-in roles; never more than you may."""
    return await services.roles.create(caller, body.name, frozenset(body.permissions))


@router.get("", summary="List the roles", responses=problems("permission_denied"))
async def list_roles(services: TheServices, caller: TheCaller) -> RoleList:
    """The tenant's own roles, and those that every tenant has."""
    own = await services.roles.list_own(caller)
    return RoleList(
        items=[RoleBody.model_validate(role) for role in own],
        built_in=[
            BuiltInRole(name=role, permissions=sorted(permissions))
            for role, permissions in ROLE_PERMISSIONS.items()
        ],
    )


@router.put(
    "/{role_id}",
    summary="Change a role",
    responses=problems(
        "invalid_request",
        "permission_denied",
        "permissions_above_own",
        "role_not_found",
        "role_exists",
    ),
    response_model=RoleBody,
)
async def update_role(
    role_id: str, body: RoleWish, services: TheServices, caller: TheCaller
) -> CustomRole:
    """Holds for the keys that have it within five seconds. Its scopes still limit each key."""
    permissions = frozenset(body.permissions)
    return await services.roles.update(caller, lookup_id(role_id), body.name, permissions)


@router.delete(
    "/{role_id}",
    status_code=204,
    summary="Delete a role",
    responses=problems(
        "permission_denied", "permissions_above_own", "role_not_found", "role_in_use"
    ),
)
async def delete_role(role_id: str, services: TheServices, caller: TheCaller) -> None:
    """Only one that no living API key has."""
    await services.roles.delete(caller, lookup_id(role_id))
