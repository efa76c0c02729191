"""Whether the process lives, whether it can do its work, and what it counts."""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from clientsphere_common.errors import ServiceError
from gateway.api.access import Entry, GuardedRoute, open_to
from gateway.api.dependencies import TheServices
from gateway.api.schemas.health import CheckBody, Liveness, Readiness
from gateway.services import Check

log = structlog.get_logger(__name__)

router = APIRouter(tags=["Operations"], route_class=GuardedRoute)

_CHECK_TIMEOUT_S = 2.0


@router.get(
    "/health/live",
    summary="Is the process alive?",
    openapi_extra=open_to(Entry.PUBLIC),
)
async def live() -> Liveness:
    """Says nothing about other services: restarting this one would not help them."""
    return Liveness()


@router.get(
    "/health/ready",
    summary="Can the process do its work?",
    openapi_extra=open_to(Entry.PUBLIC),
    responses={503: {"model": Readiness, "description": "Something that it needs is missing."}},
)
async def ready(services: TheServices, response: Response) -> Readiness:
    """Asks every dependency at once and gives each two seconds."""
    outcomes = await asyncio.gather(*(_outcome(check) for check in services.checks))
    checks = {name: outcome for (name, _), outcome in zip(services.checks, outcomes, strict=True)}
    is_ready = all(outcome.status == "ok" for outcome in outcomes)
    response.status_code = 200 if is_ready else 503
    return Readiness(status="ok" if is_ready else "failing", checks=checks)


@router.get(
    "/metrics",
    summary="Get the metrics",
    openapi_extra=open_to(Entry.PUBLIC),
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


async def _outcome(check: Check) -> CheckBody:
    name, ask = check
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await ask()
    except ServiceError as error:
        return CheckBody(status="failing", error=error.message)
    except TimeoutError:
        return CheckBody(status="failing", error="It did not answer in time.")
    except Exception:
        # Checks reach into every technology there is; what they raise must not take readiness down.
        log.exception("readiness_check_failed", check=name)
        return CheckBody(status="failing", error="It failed.")
    return CheckBody(status="ok")
