"""What the process counts, where no other port tells it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices

router = APIRouter(tags=["Operations"], route_class=GuardedRoute)


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
