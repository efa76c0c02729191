"""How long a request may take, and who says so."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from clientsphere_common.request import remaining_s
from gateway.middleware.request_deadline import LongestTimes, RequestDeadline
from gateway.model.tenancy import NewTenant
from gateway.settings import GatewaySettings
from tests.harness.gateway import Gateway, Tables

LONGEST = LongestTimes(5, {"GET /slow/{id}": 50})


async def left(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(str(remaining_s(math.inf)))(scope, receive, send)


async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def asked(app: ASGIApp, path: str, *timeouts: str) -> httpx.Response:
    deadline = RequestDeadline(app, LONGEST, grace_s=0.05)
    transport = httpx.ASGITransport(deadline)
    headers = [(b"X-Request-Timeout-S", one.encode()) for one in timeouts]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        return await client.get(path, headers=headers)


class TestTheTimeLeft:
    @pytest.mark.parametrize(
        ("path", "timeouts", "expected_s"),
        [
            ("/", (), 5),
            ("/", ("2.5",), 2.5),
            ("/", ("999999",), 5),
            ("/", ("9" * 400,), 5),
            ("/", ("2.5e0",), 2.5),
            ("/slow/1", (), 50),
            ("/slow/1", ("20",), 20),
            ("/slow/1/2", (), 5),
        ],
    )
    async def test_is_the_clients_or_that_of_the_route(
        self, path: str, timeouts: tuple[str, ...], expected_s: float
    ) -> None:
        assert float((await asked(left, path, *timeouts)).text) == pytest.approx(expected_s, abs=1)

    @pytest.mark.parametrize(
        "timeouts",
        [("0",), ("0.0",), ("-1",), ("",), ("nan",), ("1e-9",), ("0.0009",), ("٣",), ("1", "2")],
    )
    async def test_makes_sense_or_is_refused(self, timeouts: tuple[str, ...]) -> None:
        response = await asked(left, "/", *timeouts)
        assert (response.status_code, response.json()["code"]) == (400, "request_timeout_invalid")


class TestWorkWithoutATimeOfItsOwn:
    async def test_is_cut_off_a_little_later(self) -> None:
        response = await asked(hangs, "/", "0.05")
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")

    async def test_is_not_once_its_response_has_begun(self) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first "
            await asyncio.sleep(0.3)
            yield b"last"

        response = await asked(StreamingResponse(pieces()), "/", "0.05")
        assert response.text == "first last"

    async def test_its_own_timeouts_stay_its_own(self) -> None:
        async def fails(scope: Scope, receive: Receive, send: Send) -> None:
            raise TimeoutError

        with pytest.raises(TimeoutError):
            await asked(fails, "/")


class TestTheGateway:
    async def test_gives_questions_the_time_of_a_search_and_an_answer(self, tables: Tables) -> None:
        settings = GatewaySettings(call_timeout_s=3, answer_timeout_s=40, request_timeout_s=7)
        longest = Gateway(tables, settings).protection.longest
        assert longest.request_s == 7
        assert longest.of_routes_s["POST /v1/chat"] == 43
        assert longest.of_routes_s["POST /v1/documents"] == settings.transfer_timeout_s

    async def test_answers_in_its_own_words(self, gateway: Gateway, tenant: NewTenant) -> None:
        async with gateway.client(tenant.owner_key.key) as client:
            response = await client.get("/v1/me", headers={"X-Request-Timeout-S": "soon"})
        assert response.json()["code"] == "request_timeout_invalid"
        assert response.headers["x-request-id"] == response.json()["request_id"]
