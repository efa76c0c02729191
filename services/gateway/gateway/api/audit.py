"""GET /v1/audit/events: the trail, for those who audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from clientsphere_common.paging import PageWish
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices
from gateway.api.filters import TheTrailChoice
from gateway.api.paging import PageToken
from gateway.api.problem_docs import problems
from gateway.api.schemas.trail import TrailPageBody
from gateway.model.trail import TrailPage

router = APIRouter(tags=["Audit"], route_class=GuardedRoute)


@router.get(
    "/v1/audit/events",
    summary="Read the audit trail",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=TrailPageBody,
)
async def list_audit_events(
    services: TheServices,
    choice: TheTrailChoice,
    page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: PageToken = "",
) -> TrailPage:
    """Events of the tenant that fit every filter, in order, each with the hash of its chain.

    Whoever keeps the events and a head can check later that nothing was changed.
    """
    return await services.trail.page(choice, PageWish(page_size, page_token))
