"""/v1/roles: what a tenant makes of the permissions there are."""

from __future__ import annotations

from fastapi import APIRouter, Response

from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.versions import version_of
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.roles import BuiltInRole, RoleBody, RoleList, RoleWish
from gateway.api.versions import NOT_MODIFIED, OnlyIf, TheNewVersion, TheVersions
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
async def create_role(
    body: RoleWish, services: TheServices, caller: TheCaller, response: Response
) -> CustomRole:
    """For keys that are to do something else than the built-in roles; never more than you may."""
    created = await services.roles.create(caller, body.name, frozenset(body.permissions))
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    return created


@router.get(
    "",
    summary="List the roles",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
)
async def list_roles(services: TheServices, caller: TheCaller, page: ThePage) -> RoleList:
    """The tenant's own roles, oldest first; beside them those that every tenant has."""
    own = await services.roles.page(caller, page)
    return RoleList(
        items=[RoleBody.model_validate(role) for role in own.items],
        next_page_token=own.next_page_token,
        built_in=[
            BuiltInRole(name=role, permissions=sorted(permissions))
            for role, permissions in ROLE_PERMISSIONS.items()
        ],
    )


@router.get(
    "/{role_id}",
    summary="Get a role",
    responses=NOT_MODIFIED | problems("permission_denied", "role_not_found"),
    response_model=RoleBody,
)
async def get_role(
    role_id: str, services: TheServices, caller: TheCaller, versions: TheVersions
) -> CustomRole | Response:
    """One of the tenant's own; the list has those that every tenant has."""
    role = await services.roles.get(caller, lookup_id(role_id))
    return versions.unless_known(role, version_of(role))


@router.put(
    "/{role_id}",
    summary="Change a role",
    responses=problems(
        "invalid_request",
        "permission_denied",
        "permissions_above_own",
        "role_not_found",
        "precondition_failed",
        "role_exists",
    ),
    response_model=RoleBody,
)
async def update_role(  # noqa: PLR0913 - what FastAPI fills in
    role_id: str,
    body: RoleWish,
    services: TheServices,
    caller: TheCaller,
    only_if: OnlyIf,
    versions: TheNewVersion,
) -> CustomRole:
    """Holds for the keys that have it within five seconds. Its scopes still limit each key."""
    permissions = frozenset(body.permissions)
    role = await services.roles.update(caller, lookup_id(role_id), body.name, permissions, only_if)
    return versions.told(role, version_of(role))


@router.delete(
    "/{role_id}",
    status_code=204,
    summary="Delete a role",
    responses=problems(
        "permission_denied",
        "permissions_above_own",
        "role_not_found",
        "precondition_failed",
        "role_in_use",
    ),
)
async def delete_role(
    role_id: str, services: TheServices, caller: TheCaller, only_if: OnlyIf
) -> None:
    """Only one that no living API key has."""
    await services.roles.delete(caller, lookup_id(role_id), only_if)
