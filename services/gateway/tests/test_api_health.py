"""Liveness, readiness by dependency, and documentation that needs no internet."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import httpx

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.readiness import Check
from tests.harness.gateway import Gateway, Tables


async def fine() -> None:
    return None


async def away() -> None:
    raise DependencyUnavailableError("index_unavailable", "The index is away.")


async def broken() -> None:
    raise RuntimeError("password=hunter2")


async def silent() -> None:
    await asyncio.Event().wait()


class TestHealth:
    async def test_a_process_that_answers_is_alive(self, nobody: httpx.AsyncClient) -> None:
        assert (await nobody.get("/health/live")).json() == {"status": "ok"}

    async def test_is_ready_when_everything_is(self, tables: Tables) -> None:
        checks = [Check("tables", tables.database.check), Check("index", fine)]
        async with Gateway(tables, checks=checks).client() as client:
            response = await client.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["status"] == "ok"
        assert set(response.json()["checks"]) == {"tables", "index"}

    async def test_names_what_is_missing(self, tables: Tables) -> None:
        checks = [Check("tables", fine), Check("index", away), Check("model", broken)]
        async with Gateway(tables, checks=checks).client() as client:
            response = await client.get("/health/ready")
        assert response.status_code == 503
        assert response.json() == {
            "status": "failing",
            "checks": {
                "tables": {"status": "ok", "required": True, "error": None},
                "index": {"status": "failing", "required": True, "error": "The index is away."},
                "model": {"status": "failing", "required": True, "error": "It failed."},
            },
        }

    async def test_works_on_without_what_is_not_required(self, tables: Tables) -> None:
        checks = [Check("tables", fine), Check("model", away, is_required=False)]
        async with Gateway(tables, checks=checks).client() as client:
            response = await client.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["status"] == "degraded"
        assert response.json()["checks"]["model"]["error"] == "The index is away."

    async def test_does_not_wait_for_ever(self, tables: Tables) -> None:
        gateway = Gateway(tables, checks=[Check("index", silent)])
        async with gateway.client() as client:
            response = await asyncio.wait_for(client.get("/health/ready"), 10)
        assert response.json()["checks"]["index"]["error"] == "It did not answer in time."


class TestDocs:
    async def test_come_with_all_their_files(self, nobody: httpx.AsyncClient) -> None:
        page = (await nobody.get("/docs")).text
        files = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(files) == 3
        for file in files:
            assert file.startswith("/docs/files/")
            assert (await nobody.get(file)).status_code == 200

    async def test_may_run_their_own_scripts_and_no_others(self, nobody: httpx.AsyncClient) -> None:
        response = await nobody.get("/docs")
        policy = response.headers["content-security-policy"]
        (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'self' 'sha256-{digest}';" in policy
        assert "unsafe-eval" not in policy
        assert "http" not in policy

    async def test_describe_the_api(self, nobody: httpx.AsyncClient) -> None:
        document = (await nobody.get("/openapi.json")).json()
        assert document["info"]["title"] == "ClientSphere"
        assert document["paths"]["/v1/chat"]["post"]["operationId"] == "chat"
