"""The HTTP server on a real socket: starting, draining, stopping."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from clientsphere_common.http_server import AddressUnusableError, HttpAddress, HttpServer
from tests.harness.modules import running


def at(host: str = "127.0.0.1", port: int = 0) -> HttpAddress:
    return HttpAddress(host, port, "CLIENTSPHERE_TEST_")


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
async def serving(app: ASGIApp) -> AsyncIterator[HttpServer]:
    server = HttpServer(app, at())
    async with running(server):
        yield server


class TestHttpServer:
    async def test_listens_when_its_start_returns(self) -> None:
        async with serving(hello) as server, httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_an_address_in_use_is_told_clearly(self) -> None:
        async with serving(hello) as server:
            port = int(server.url.rpartition(":")[2])
            with pytest.raises(
                AddressUnusableError, match=f"port {port}: Address already in use"
            ) as caught:
                await HttpServer(hello, at(port=port)).start()
        assert "CLIENTSPHERE_TEST_PORT" in str(caught.value)

    async def test_lets_responses_end_before_it_stops(self) -> None:
        app = Waiting()
        server = HttpServer(app, at())
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
        server = HttpServer(app, at(), drain_s=0)
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
        server = HttpServer(hello, at())
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
        assert HttpServer(hello, at(host, 80)).url == url

    @pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
    async def test_listens_on_ipv6_too(self) -> None:
        server = HttpServer(hello, at("::1"))
        async with running(server), httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_answers_many_requests_of_one_connection(self) -> None:
        async with serving(hello) as server, httpx.AsyncClient() as client:
            answers = [(await client.get(server.url)).text for _ in range(20)]
        assert answers == ["hello"] * 20
