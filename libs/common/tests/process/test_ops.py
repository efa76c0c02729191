"""What a platform asks a process, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import Counter

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.process.metrics import ProcessMetrics
from clientsphere_common.process.ops import ops_server
from clientsphere_common.process.settings import OpsSettings
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Check
from tests.harness.modules import running


async def away() -> None:
    raise DependencyUnavailableError("cache_unavailable", "The cache is away.")


@pytest.fixture
def state() -> ProcessState:
    return ProcessState()


@pytest.fixture
async def client(state: ProcessState) -> AsyncIterator[httpx.AsyncClient]:
    metrics = ProcessMetrics()
    for registry in (metrics.renew(), metrics.renew()):
        Counter("clientsphere_things", "Things.", registry=registry).inc(3)
    server = ops_server(OpsSettings(port=0), state, metrics)
    async with running(server), httpx.AsyncClient(base_url=server.url) as client:
        yield client


class TestOpsServer:
    async def test_a_process_that_cannot_work_yet_is_alive_and_not_ready(
        self, client: httpx.AsyncClient
    ) -> None:
        assert (await client.get("/health/live")).json() == {"status": "ok"}
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json() == {
            "status": "failing",
            "checks": {
                "process": {"status": "failing", "required": True, "error": "It is starting."}
            },
        }

    async def test_one_that_misses_only_what_it_can_do_without_is_ready(
        self, client: httpx.AsyncClient, state: ProcessState
    ) -> None:
        state.serves([Check("cache", away, is_required=False)])
        ready = await client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert ready.json()["checks"]["cache"]["error"] == "The cache is away."

    async def test_shows_what_it_counts(self, client: httpx.AsyncClient) -> None:
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "clientsphere_things_total 3.0" in metrics.text

    async def test_knows_nothing_else(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/v1/documents")).status_code == 404
