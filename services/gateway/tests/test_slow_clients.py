"""Clients that send or take their bytes too slowly, on real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from clientsphere_common.http_server import HttpAddress, HttpServer
from gateway.http_protocol import BoundedHttpProtocol, ConnectionBounds
from gateway.settings import GatewaySettings
from tests.harness.gateway import Gateway, Tables
from tests.harness.modules import running

ADDRESS = HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_TEST_")
HASTY = ConnectionBounds(header_timeout_s=0.1, write_timeout_s=0.1)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SECONDS = 5
LARGE_BYTES = 32 * 1024 * 1024


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Endless:
    """Sends for ever, and says when it was told that nobody is there any more."""

    def __init__(self) -> None:
        self.reader_left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sending = asyncio.create_task(self._send_on(send))
        while (await receive())["type"] != "http.disconnect":
            continue
        sending.cancel()
        self.reader_left.set()

    async def _send_on(self, send: Send) -> None:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(app: ASGIApp, bounds: ConnectionBounds = HASTY) -> AsyncIterator[int]:
    server = HttpServer(app, ADDRESS, protocol=partial(BoundedHttpProtocol, bounds))
    async with running(server):
        yield int(server.url.rpartition(":")[2])


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def read_to_the_end(client: socket.socket) -> int:
    """The bytes that were on their way when the other side closed, as it must have done."""
    client.setblocking(False)
    received = 0
    while piece := client.recv(1024 * 1024):
        received += len(piece)
    return received


async def drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Until the other side hangs up."""
    async with asyncio.timeout(SECONDS):
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)


class TestHeaders:
    @pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nX: ", GET[:-2]])
    async def test_that_never_end_are_hung_up_on(self, sent: bytes) -> None:
        async with serving(hello) as port, connected(port) as (reader, writer):
            writer.write(sent)
            assert await asyncio.wait_for(reader.read(), SECONDS) == b""

    async def test_that_drip_are_hung_up_on(self) -> None:
        async with serving(hello) as port, connected(port) as (_, writer):
            writer.write(GET[:-2])
            with pytest.raises(ConnectionError):
                await drip(writer, b"X: y\r\n")

    async def test_of_two_hundred_slow_clients_hinder_nobody(self) -> None:
        bounds = ConnectionBounds(header_timeout_s=1)
        async with serving(hello, bounds) as port:
            slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
            for _, writer in slow:
                writer.write(b"GET / HTTP/1.1\r\nX: ")
            async with httpx.AsyncClient() as client:
                answers = [await client.get(f"http://127.0.0.1:{port}") for _ in range(20)]
            assert {one.text for one in answers} == {"hello"}
            ends = await asyncio.wait_for(asyncio.gather(*(r.read() for r, _ in slow)), SECONDS)
            assert set(ends) == {b""}
            for _, writer in slow:
                writer.close()

    async def test_of_connections_beyond_the_limit_are_not_waited_for(self) -> None:
        bounds = replace(HASTY, header_timeout_s=5, max_connections=2)
        async with AsyncExitStack() as stack:
            port = await stack.enter_async_context(serving(hello, bounds))
            for _ in range(3):
                reader, _writer = await stack.enter_async_context(connected(port))
            answer = await asyncio.wait_for(reader.read(), SECONDS)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_many_connections"


class TestBetweenRequests:
    async def test_line_breaks_do_not_keep_a_connection(self) -> None:
        async with serving(hello) as port, connected(port) as (reader, writer):
            writer.write(GET)
            assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
            with pytest.raises(ConnectionError):
                await drip(writer, b"\r\n")

    async def test_a_body_that_nobody_wanted_does_not_either(self) -> None:
        async with serving(hello) as port, connected(port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
            with pytest.raises(ConnectionError):
                await drip(writer, b"x")

    async def test_a_quick_client_may_go_on(self) -> None:
        async with serving(hello) as port, connected(port) as (reader, writer):
            for _ in range(5):
                writer.write(GET + GET)
                for _ in range(2):
                    assert b"hello" in await reader.readuntil(b"0\r\n\r\n")
                await asyncio.sleep(0.05)

    async def test_work_may_take_longer_than_headers(self) -> None:
        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(0.3)
            await hello(scope, receive, send)

        async with serving(slow) as port, httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}")).text == "hello"


class TestBodies:
    @pytest.fixture
    async def port(self, tables: Tables) -> AsyncIterator[int]:
        gateway = Gateway(tables, GatewaySettings(body_timeout_s=0.1))
        async with serving(gateway.app) as port:
            yield port

    async def test_that_stop_are_told_so(self, port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(POST + b"Content-Length: 10\r\n\r\n{")
            answer = await asyncio.wait_for(reader.read(), SECONDS)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"

    async def test_that_drip_are_cut_off(self, port: int) -> None:
        async with connected(port) as (_, writer):
            writer.write(POST + b"Content-Length: 100000\r\n\r\n")
            with pytest.raises(ConnectionError):
                await drip(writer, b" ")

    async def test_of_uploads_may_take_longer_but_not_pause(self, tables: Tables) -> None:
        gateway = Gateway(tables, GatewaySettings(body_timeout_s=0.3))
        tenant = await gateway.new_tenant()

        async def form(pause_s: float) -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            for _ in range(4):
                await asyncio.sleep(pause_s)
                yield b"text "
            yield b"\r\n--b--\r\n"

        headers = {
            "Authorization": f"Bearer {tenant.owner_key.key}",
            "Content-Type": "multipart/form-data; boundary=b",
        }
        async with serving(gateway.app, ConnectionBounds()) as port, httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{port}/v1/documents"
            steady = await client.post(url, content=form(0.15), headers=headers)
            pausing = await client.post(url, content=form(0.6), headers=headers)
        assert steady.status_code == 202
        assert (pausing.status_code, pausing.json()["code"]) == (408, "request_timeout")


class TestReaders:
    async def test_that_take_nothing_are_cut_off(self) -> None:
        app = Endless()
        async with serving(app) as port:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(GET)
                await asyncio.wait_for(app.reader_left.wait(), SECONDS)

    async def test_that_take_a_little_now_and_then_are_cut_off_too(self) -> None:
        app = Endless()
        async with serving(app) as port:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(GET)
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(SECONDS):
                    while not app.reader_left.is_set():
                        await loop.sock_recv(client, 16)
                        await asyncio.sleep(0.02)

    async def test_that_keep_up_are_not(self) -> None:
        app = Endless()
        async with serving(app) as port, connected(port) as (reader, writer):
            writer.write(GET)
            ends_at = asyncio.get_running_loop().time() + 0.5
            while asyncio.get_running_loop().time() < ends_at:
                assert await reader.read(65536)
            assert not app.reader_left.is_set()

    async def test_that_leave_the_end_of_a_response_are_forgotten(self) -> None:
        done = asyncio.Event()

        async def large(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x" * LARGE_BYTES})
            done.set()

        server = HttpServer(large, ADDRESS, protocol=partial(BoundedHttpProtocol, HASTY))
        async with running(server):
            port = int(server.url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                await asyncio.wait_for(done.wait(), SECONDS)
                await asyncio.sleep(0.4)
                assert read_to_the_end(client) < LARGE_BYTES
