"""TLS in front of a server that speaks none."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def tls_front(address: str, behind: str, certificate: Path, key: Path) -> AsyncIterator[int]:
    """Serve at `address` what the server at `behind` serves; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(*behind.split(":"))
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        connections.discard(task)

    host, port = address.split(":")
    server = await asyncio.start_server(serve, host, int(port), ssl=context)
    port_served: int = server.sockets[0].getsockname()[1]
    yield port_served
    server.close()
    for connection in list(connections):
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await server.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.transport.abort()
