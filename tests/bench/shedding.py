"""Measures how quickly a saturated gateway refuses, and what it still gets done meanwhile.

    python -m tests.bench.shedding

A process of its own serves the whole gateway on a socket, in front of neighbours that are faked.
First all places are taken by questions that wait; then as many clients as there are places and
more ask without a pause, so that what runs out is the processor.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.logging import configure_logging
from gateway.http_protocol import BoundedHttpProtocol, ConnectionBounds
from gateway.settings import GatewaySettings
from tests.fakes.gateway_ports import new_passage
from tests.harness.databases import sqlite_database
from tests.harness.gateway import Gateway, gateway_tables
from tests.harness.modules import running

PLACES = 40
CLIENTS = 128
FLOOD_S = 5.0
REFUSALS = 500
Times = dict[int, list[float]]
"""In milliseconds, by status."""


async def serve(folder: Path) -> None:
    """Until the pipe from which this process was started is closed."""
    configure_logging("error", "json")
    settings = GatewaySettings(most_requests_at_once=PLACES, least_requests_at_once=8)
    async with AsyncExitStack() as stack:
        database = sqlite_database(folder / "gateway.db")
        tables = await stack.enter_async_context(gateway_tables(database))
        gateway = Gateway(tables, settings)
        gateway.search.passages = [new_passage(1)]
        gateway.model.pieces = ("never", "sent")
        gateway.model.waits = asyncio.Event()
        tenant = await gateway.new_tenant()
        protocol = partial(BoundedHttpProtocol, ConnectionBounds())
        address = HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_BENCH_")
        server = HttpServer(gateway.app, address, drain_s=0, protocol=protocol)
        await stack.enter_async_context(running(gateway.protection.lag, server))
        say(f"{server.url.rpartition(':')[2]} {tenant.owner_key.key}")
        await asyncio.to_thread(sys.stdin.read)


class Client:
    """One connection that asks one thing after the other."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = f"Host: x\r\nAuthorization: Bearer {key}\r\n"

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        self._writer.transport.abort()

    def send(self, target: str, body: str = "") -> None:
        head = f"{target} HTTP/1.1\r\n{self._head}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}\r\n{body}".encode())

    async def time(self, times_ms: Times, target: str, body: str = "") -> None:
        started = time.perf_counter()
        self.send(target, body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        await self._reader.readexactly(int(length))
        times_ms[int(head.split()[1])].append((time.perf_counter() - started) * 1e3)


async def measure(port: int, key: str) -> None:
    clients = [Client(port, key) for _ in range(CLIENTS)]
    await asyncio.gather(*(client.open() for client in clients))
    waiting, others = clients[:PLACES], clients[PLACES:]
    await flood(clients[-1:], "the floor: health, one client", "GET /health/live", seconds=1)
    await flood(clients[-1:], "search, one client", "POST /v1/search", seconds=1)
    for client in waiting:
        client.send("POST /v1/chat", '{"question": "?"}')
    await asyncio.sleep(1)
    times_ms: Times = defaultdict(list)
    # Each client once, and again when its connection is listened to again.
    for _ in range(REFUSALS // len(others)):
        for client in others:
            await client.time(times_ms, "POST /v1/search", '{"question": "?"}')
        await asyncio.sleep(0.55)
    tell("refused, places taken by waiting questions", times_ms, 0)
    for client in waiting:
        client.close()
        await client.open()
    await asyncio.sleep(1)
    fresh = asyncio.create_task(ask_afresh(port, key, FLOOD_S))
    await flood(clients, f"search, {CLIENTS} clients without a pause", "POST /v1/search", FLOOD_S)
    tell("the same, each time on a new connection", await fresh, 0)
    for client in clients:
        client.close()


async def ask_afresh(port: int, key: str, seconds: float) -> Times:
    """The time from request to response of somebody who was not refused before."""
    times_ms: Times = defaultdict(list)
    ends_at = time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        client = Client(port, key)
        await client.open()
        await client.time(times_ms, "POST /v1/search", '{"question": "?"}')
        client.close()
        await asyncio.sleep(0.02)
    return times_ms


async def flood(clients: list[Client], what: str, target: str, seconds: float) -> None:
    times_ms: Times = defaultdict(list)
    ends_at = time.perf_counter() + seconds
    body = '{"question": "?"}' if target.startswith("POST") else ""

    async def ask(client: Client) -> None:
        while time.perf_counter() < ends_at:
            await client.time(times_ms, target, body)

    await asyncio.gather(*map(ask, clients))
    tell(what, times_ms, seconds)


def tell(what: str, times_ms: Times, seconds: float) -> None:
    for status, ms in sorted(times_ms.items()):
        rate = f"{len(ms) / seconds:6.0f}/s" if seconds else " " * 8
        cuts = statistics.quantiles(ms, n=100) if len(ms) > 1 else ms * 99
        say(
            f"{what:<45}{status}  {rate}  median {cuts[49]:6.2f} ms  p99 {cuts[98]:7.2f} ms"
            f"  max {max(ms):7.2f} ms"
        )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    if len(sys.argv) > 1:
        asyncio.run(serve(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.shedding", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            lines = (line.split() for line in server.stdout)
            port, key = next(words for words in lines if len(words) == 2 and words[0].isdecimal())
            asyncio.run(measure(int(port), key))
        finally:
            server.stdin.close()
            server.wait(30)


if __name__ == "__main__":
    main()
