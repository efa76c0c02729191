"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Response

from clientsphere_common.readiness import ask_all
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices
from gateway.api.schemas.health import Liveness, Readiness

router = APIRouter(tags=["Operations"], route_class=GuardedRoute)


@router.get(
    "/health/live",
    summary="Is the process alive?",
)
async def live() -> Liveness:
    """Says nothing about other services: restarting this one would not help them."""
    return Liveness()


@router.get(
    "/health/ready",
    summary="Can the process do its work?",
    responses={503: {"model": Readiness, "description": "Something that it needs is missing."}},
)
async def ready(services: TheServices, response: Response) -> Readiness:
    """Asks every dependency at once and gives each two seconds.

    Without one that is not required the process works on: `degraded`, which is no failure.
    """
    report = await ask_all(services.checks)
    response.status_code = 503 if report.state == "failing" else 200
    return Readiness.of(report)
