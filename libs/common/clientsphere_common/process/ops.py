"""Serves what operators ask a process: is it alive, is it ready, what does it count."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.process.metrics import ProcessMetrics
from clientsphere_common.process.settings import OpsSettings
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Report


def ops_server(settings: OpsSettings, state: ProcessState, metrics: ProcessMetrics) -> HttpServer:
    """`/health/live`, `/health/ready` and `/metrics`, for the platform and nobody else.

    Alive says nothing about other parts: restarting this one would not help them.
    """

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        report = await state.report()
        status_code = 503 if report.state == "failing" else 200
        return JSONResponse(_body(report), status_code)

    async def count(_request: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    app = Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", count),
        ]
    )
    address = HttpAddress(settings.host, settings.port, "CLIENTSPHERE_OPS_")
    return HttpServer(app, address, name="operations", drain_s=1)


def _body(report: Report) -> dict[str, Any]:
    checks = {
        finding.name: {
            "status": "failing" if finding.error else "ok",
            "required": finding.is_required,
            "error": finding.error,
        }
        for finding in report.findings
    }
    return {"status": report.state, "checks": checks}
