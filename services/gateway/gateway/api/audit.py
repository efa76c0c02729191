"""GET /v1/audit/events: the trail, for those who audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from clientsphere_common.paging import PageWish
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices
from gateway.api.paging import PageToken
from gateway.api.problem_docs import problems
from gateway.api.schemas.trail import TrailPageBody
from gateway.model.trail import TrailChoice, TrailPage

router = APIRouter(tags=["Audit"], route_class=GuardedRoute)

_MAX_SEQUENCE = 2**63 - 1


@router.get(
    "/v1/audit/events",
    summary="Read the audit trail",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=TrailPageBody,
)
async def list_audit_events(
    services: TheServices,
    after: Annotated[int, Query(ge=0, le=_MAX_SEQUENCE)] = 0,
    action: Annotated[str, Query(max_length=64)] = "",
    page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: PageToken = "",
) -> TrailPage:
    """Events of the tenant after a sequence number, in order, each with the hash of its chain.

    Whoever keeps the events and a head can check later that nothing was changed.
    """
    return await services.trail.page(TrailChoice(after, action), PageWish(page_size, page_token))
