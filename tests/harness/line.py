"""A proxy for TCP connections that can be cut and mended: a network, seen from one process."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Line:
    """Serves HTTP CONNECT on a port of its own until it is cut; with `far`, leads there only."""

    def __init__(self, far: tuple[str, int] | None = None) -> None:
        self._far = far
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def hush(self) -> None:
        """Keep every connection and carry nothing from here on."""
        self._flows.clear()

    async def interrupt(self) -> None:
        """Break every connection; new ones are served."""
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        if self._server is None:
            return
        self._server.close()
        await self.interrupt()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._far or await _asked_for(reader)
        far_reader, far_writer = await asyncio.open_connection(host, port)
        try:
            if self._far is None:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with asyncio.TaskGroup() as copies:
                copies.create_task(self._copy(reader, far_writer))
                copies.create_task(self._copy(far_reader, writer))
        finally:
            far_writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()


async def _asked_for(reader: asyncio.StreamReader) -> tuple[str, int]:
    request = await reader.readuntil(b"\r\n\r\n")
    host, port = request.split()[1].decode().split(":")
    return host, int(port)
