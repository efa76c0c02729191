"""/v1/tenants/{tenant_id}/limits: what the operator of the platform changes for one tenant."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Response

from clientsphere_common.versions import version_of
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.limits import ChangedLimits, ChangedLimitsBody, LimitBody
from gateway.api.versions import NOT_MODIFIED, OnlyIf, TheNewVersion, TheVersions
from gateway.limit_rules import LimitName, LimitRule

router = APIRouter(
    prefix="/v1/tenants/{tenant_id}/limits", tags=["Tenants"], route_class=GuardedRoute
)


@router.get(
    "",
    summary="Get what differs of a tenant's limits",
    responses=NOT_MODIFIED
    | problems(
        "operator_key_invalid",
        "tenant_not_found",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
    response_model=ChangedLimits,
)
async def get_limits(
    tenant_id: str, services: TheServices, versions: TheVersions
) -> ChangedLimits | Response:
    """Limits that are not there are those of every tenant."""
    changes = await services.tenant_limits.changes_of(lookup_id(tenant_id))
    return versions.unless_known(_body(changes), version_of(changes))


@router.put(
    "",
    summary="Change a tenant's limits",
    responses=problems(
        "invalid_request",
        "operator_key_invalid",
        "tenant_not_found",
        "precondition_failed",
        "rate_limited",
        "limits_unavailable",
        signed_in=False,
    ),
)
async def change_limits(
    tenant_id: str,
    body: ChangedLimitsBody,
    services: TheServices,
    only_if: OnlyIf,
    versions: TheNewVersion,
) -> ChangedLimits:
    """Replaces what differed before, and counts within five seconds everywhere.

    A limit with `shadow` is counted and told in the metrics, but nothing is refused for it.
    """
    changes = {
        name: LimitRule(limit.per_minute, limit.burst, limit.shadow)
        for name, limit in body.limits.items()
    }
    await services.tenant_limits.change(lookup_id(tenant_id), changes, only_if)
    return versions.told(_body(changes), version_of(changes))


def _body(changes: Mapping[LimitName, LimitRule]) -> ChangedLimits:
    return ChangedLimits(
        limits={name: LimitBody.model_validate(rule) for name, rule in changes.items()}
    )
