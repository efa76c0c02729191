"""What requests do when a network or a server misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from clientsphere_cli.client import Client
from clientsphere_cli.failures import ApiError, CliError
from clientsphere_cli.transport import Transport

Handler = Callable[[httpx.Request], httpx.Response]


class Sleeper:
    """Takes no time, and remembers how long it should have taken."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept_s.append(seconds)


def client_of(handler: Handler, sleeper: Sleeper | None = None) -> Client:
    http = httpx.AsyncClient(
        base_url="http://server", transport=httpx.MockTransport(handler), verify=False
    )
    return Client(Transport(http, sleep=sleeper or Sleeper()))


def responding(*responses: httpx.Response) -> Handler:
    remaining = list(responses)
    return lambda request: remaining.pop(0)


def failing(error: httpx.HTTPError) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    return fail


EMPTY: dict[str, object] = {"items": [], "next_page_token": None}


class TestRateLimit:
    async def test_request_is_repeated_when_the_server_says_so(self) -> None:
        sleeper = Sleeper()
        busy = httpx.Response(429, headers={"Retry-After": "7"})
        handler = responding(busy, httpx.Response(429), httpx.Response(200, json=EMPTY))
        assert await client_of(handler, sleeper).api_keys() == []
        assert sleeper.slept_s == [7, 1]

    async def test_patience_ends(self) -> None:
        sleeper = Sleeper()
        busy = httpx.Response(429, headers={"Retry-After": "86400"})
        with pytest.raises(ApiError) as caught:
            await client_of(lambda request: busy, sleeper).api_keys()
        assert caught.value.problem.status == 429
        assert sleeper.slept_s == [60] * 5


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (httpx.ConnectTimeout("slow"), "No ClientSphere server answers at http://server."),
            (httpx.ReadTimeout("slow"), "http://server was silent for too long"),
            (httpx.ReadError("reset"), "The connection to http://server broke off: reset"),
        ],
    )
    async def test_network_failures_are_sentences(self, error: httpx.HTTPError, said: str) -> None:
        with pytest.raises(CliError, match=said):
            await client_of(failing(error)).api_keys()

    async def test_problem_carries_code_and_request_id(self) -> None:
        body = {"code": "kb_full", "detail": "It is full.", "request_id": "r1"}
        with pytest.raises(ApiError) as caught:
            await client_of(responding(httpx.Response(409, json=body))).create_knowledge_base("x")
        assert str(caught.value) == "It is full. (kb_full, request r1)"

    @pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b'{"detail": "x"}'])
    async def test_error_of_something_else_keeps_its_status(self, body: bytes) -> None:
        with pytest.raises(ApiError) as caught:
            await client_of(responding(httpx.Response(502, content=body))).api_keys()
        assert str(caught.value) == "The server answered Bad Gateway. (http_502)"

    @pytest.mark.parametrize("body", [b"hello", b"{}", json.dumps({"items": [{"id": 1}]}).encode()])
    async def test_answer_of_another_kind_of_server_is_told(self, body: bytes) -> None:
        with pytest.raises(CliError, match="Is it the address of a ClientSphere server"):
            await client_of(responding(httpx.Response(200, content=body))).api_keys()

    async def test_stream_that_is_refused_is_a_problem(self) -> None:
        body = {"code": "empty_question", "detail": "Ask something.", "request_id": "r1"}
        client = client_of(responding(httpx.Response(400, json=body)))
        with pytest.raises(ApiError, match="Ask something"):
            await client.ask_streaming("", (), on_delta=lambda text: None)


class TestReadiness:
    async def test_server_that_starts_is_not_ready(self) -> None:
        client = client_of(responding(httpx.Response(503, json={}), httpx.Response(200, json={})))
        assert [await client.is_ready(), await client.is_ready()] == [False, True]


class TestIdempotencyKeys:
    async def test_a_write_keeps_its_key_when_it_is_sent_again(self) -> None:
        keys: list[str | None] = []

        def handle(request: httpx.Request) -> httpx.Response:
            keys.append(request.headers.get("Idempotency-Key"))
            return httpx.Response(429 if len(keys) == 1 else 204)

        client = client_of(handle)
        await client.delete_role("role_1")
        await client.delete_role("role_1")
        assert keys[0] == keys[1] != keys[2]
        assert keys[0]

    async def test_a_read_has_none(self) -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            assert "Idempotency-Key" not in request.headers
            return httpx.Response(200, json=EMPTY)

        await client_of(handle).knowledge_bases()
