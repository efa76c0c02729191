"""Whether the process lives, whether it can do its work, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

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


@router.get(
    "/metrics",
    summary="Get the metrics",
    response_class=PlainTextResponse,
    responses={
        200: {
            "description": "Prometheus text format.",
            "content": {"text/plain": {"example": "clientsphere_http_requests_in_flight 1.0\n"}},
        }
    },
)
async def metrics(services: TheServices) -> Response:
    """For Prometheus to scrape."""
    return Response(generate_latest(services.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
