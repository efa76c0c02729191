"""The HTTP server on a real socket: starting, refusing, draining, stopping."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.http_protocol import MAX_HEADER_BYTES, BoundedHttpProtocol
from gateway.server import AddressUnusableError, HttpServer
from tests.harness.gateway import Gateway
from tests.harness.modules import running


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Waiting:
    """An app whose responses wait until they are told to end."""

    def __init__(self) -> None:
        self.has_request = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        self.has_request.set()
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"last"})


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[HttpServer]:
    server = HttpServer(app, "127.0.0.1", 0)
    async with running(server):
        yield server


async def exchange(server: HttpServer, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Send raw bytes; the status and the problem that come back before the connection closes."""
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        answer = await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


class TestHttpServer:
    async def test_listens_when_its_start_returns(self) -> None:
        async with serving(hello) as server, httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_serves_the_api(self, gateway: Gateway) -> None:
        async with serving(gateway.app) as server, httpx.AsyncClient() as client:
            response = await client.get(f"{server.url}/health/live")
        assert response.json() == {"status": "ok"}
        assert "server" not in response.headers

    async def test_an_address_in_use_is_told_clearly(self) -> None:
        async with serving(hello) as server:
            port = int(server.url.rpartition(":")[2])
            with pytest.raises(AddressUnusableError, match=rf"port {port}: Address already in use"):
                await HttpServer(hello, "127.0.0.1", port).start()

    async def test_lets_responses_end_before_it_stops(self) -> None:
        app = Waiting()
        server = HttpServer(app, "127.0.0.1", 0)
        await server.start()
        async with httpx.AsyncClient() as client:
            response = asyncio.create_task(client.get(server.url))
            await app.has_request.wait()
            stopping = asyncio.create_task(server.stop())
            await asyncio.sleep(0.15)
            assert not stopping.done()
            app.may_end.set()
            assert (await response).text == "first last"
            await stopping

    async def test_cuts_off_what_does_not_end(self) -> None:
        app = Waiting()
        server = HttpServer(app, "127.0.0.1", 0, drain_s=0)
        await server.start()
        async with httpx.AsyncClient() as client:
            response = asyncio.create_task(client.get(server.url))
            await app.has_request.wait()
            await asyncio.wait_for(server.stop(), 5)
            with pytest.raises(httpx.RemoteProtocolError):
                await response

    async def test_refuses_connections_once_it_has_stopped(self) -> None:
        async with serving(hello) as server:
            url = server.url
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)

    async def test_watching_it_waits_for_as_long_as_it_serves(self) -> None:
        async with serving(hello) as server:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(server.watch(), 0.01)

    async def test_stopping_what_never_started_is_nothing(self) -> None:
        server = HttpServer(hello, "127.0.0.1", 0)
        await server.watch()
        await server.stop()

    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("127.0.0.1", "http://127.0.0.1:80"),
            ("0.0.0.0", "http://127.0.0.1:80"),
            ("::", "http://[::1]:80"),
            ("gateway", "http://gateway:80"),
        ],
    )
    def test_knows_where_a_program_beside_it_finds_it(self, host: str, url: str) -> None:
        assert HttpServer(hello, host, 80).url == url

    @pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
    async def test_listens_on_ipv6_too(self) -> None:
        server = HttpServer(hello, "::1", 0)
        async with running(server), httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_answers_many_requests_of_one_connection(self) -> None:
        async with serving(hello) as server, httpx.AsyncClient() as client:
            answers = [(await client.get(server.url)).text for _ in range(20)]
        assert answers == ["hello"] * 20


class TestBytesThatAreNoRequest:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01",
            b"GET\r\n\r\n",
            b"HELLO / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        ],
    )
    async def test_are_told_so_in_a_problem(self, sent: bytes) -> None:
        async with serving(hello) as server:
            status, problem = await exchange(server, sent)
        assert (status, problem["code"]) == (400, "invalid_http")
        assert problem["request_id"].startswith("req_")

    @pytest.mark.parametrize(
        "headers",
        [
            b"X: " + b"x" * MAX_HEADER_BYTES + b"\r\n",
            b"".join(b"X-%d: y\r\n" % number for number in range(5000)),
        ],
        ids=["one long header", "many short headers"],
    )
    async def test_headers_above_32_kib_are_refused(self, headers: bytes) -> None:
        async with serving(hello) as server:
            status, problem = await exchange(
                server, b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n"
            )
        assert (status, problem["code"]) == (431, "headers_too_large")

    async def test_a_header_without_an_end_is_refused_before_it_ends(self) -> None:
        pieces = [b"x" * 16 * 1024] * 4
        async with serving(hello) as server:
            status, problem = await exchange(server, b"GET / HTTP/1.1\r\nX: ", *pieces)
        assert (status, problem["code"]) == (431, "headers_too_large")

    async def test_headers_just_below_are_fine(self) -> None:
        headers = {"X": "x" * (MAX_HEADER_BYTES - 500)}
        async with serving(hello) as server, httpx.AsyncClient() as client:
            assert (await client.get(server.url, headers=headers)).text == "hello"

    async def test_a_client_that_never_ends_its_headers_is_hung_up_on(self) -> None:
        class Impatient(BoundedHttpProtocol):
            header_timeout_s = 0.05

        server = HttpServer(hello, "127.0.0.1", 0, protocol=Impatient)
        async with running(server):
            port = int(server.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nX: ")
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
