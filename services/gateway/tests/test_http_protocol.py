"""What reaches the gateway's socket before it is a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from clientsphere_common.http_server import HttpAddress, HttpServer
from gateway.http_protocol import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_TARGET_BYTES,
    BoundedHttpProtocol,
)
from tests.harness.gateway import Gateway
from tests.harness.modules import running

ADDRESS = HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_TEST_")


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[HttpServer]:
    server = HttpServer(app, ADDRESS, protocol=BoundedHttpProtocol)
    async with running(server):
        yield server


async def said_to(port: int, *pieces: bytes) -> bytes:
    """Send raw bytes; what comes back before the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def exchange(server: HttpServer, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Send raw bytes; the status and the problem that come back before the connection closes."""
    answer = await said_to(int(server.url.rpartition(":")[2]), *pieces)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-content-type-options: nosniff" in head
    return int(head.split()[1]), json.loads(body)


class TestRequests:
    async def test_serves_the_api(self, gateway: Gateway) -> None:
        async with serving(gateway.app) as server, httpx.AsyncClient() as client:
            response = await client.get(f"{server.url}/health/live")
        assert response.json() == {"status": "ok"}
        assert "server" not in response.headers


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

    async def test_a_hundred_headers_are_fine_and_one_more_is_refused(self) -> None:
        lines = b"".join(b"X-%d: y\r\n" % number for number in range(MAX_HEADERS))
        async with serving(hello) as server:
            port = int(server.url.rpartition(":")[2])
            assert (await said_to(port, b"GET / HTTP/1.0\r\n" + lines + b"\r\n"))[:12] == (
                b"HTTP/1.1 200"
            )
            status, problem = await exchange(
                server, b"GET / HTTP/1.1\r\n" + lines + b"Z: y\r\n\r\n"
            )
        assert (status, problem["code"]) == (431, "headers_too_large")

    @pytest.mark.parametrize("part", ["/" + "x" * MAX_TARGET_BYTES, "/?" + "x" * MAX_TARGET_BYTES])
    async def test_a_target_above_8_kib_is_refused(self, part: str) -> None:
        async with serving(hello) as server:
            status, problem = await exchange(
                server, f"GET {part} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
        assert (status, problem["code"]) == (414, "uri_too_long")

    async def test_a_target_without_an_end_is_refused_before_it_ends(self) -> None:
        async with serving(hello) as server:
            status, problem = await exchange(server, b"GET /", *[b"x" * 4096] * 3)
        assert (status, problem["code"]) == (414, "uri_too_long")

    async def test_nothing_after_them_is_answered(self) -> None:
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        async with serving(hello) as server:
            port = int(server.url.rpartition(":")[2])
            answer = await said_to(port, b"GARBAGE\r\n\r\n" + request, request)
        assert answer.count(b"HTTP/1.1") == 1
