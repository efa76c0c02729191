"""A receiver of webhooks behind TLS, which may behave in any way.

async with webhook_receiver(authority, "hooks.kestrand.example") as receiver:
    receiver.answer = b"HTTP/1.1 500 Oh\\r\\nContent-Length: 0\\r\\n\\r\\n"
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.harness.certificates import CertificateAuthority
from tests.harness.tls_front import tls_front

ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class WebhookReceiver:
    port: int = 0
    plain_port: int = 0
    answer: bytes = ACCEPTED
    answers_endlessly: bytes = b""
    """Sent again and again after the answer."""
    waits: bool = False
    """It never answers."""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Request line, headers by lower-case names, body."""
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # Whoever is called may hang up at any time.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((head[0], headers, body))
            if self.waits:
                await asyncio.Event().wait()
            writer.write(self.answer)
            while self.answers_endlessly:
                writer.write(self.answers_endlessly)
                await writer.drain()
                await asyncio.sleep(0)
        writer.transport.abort()


@asynccontextmanager
async def webhook_receiver(
    authority: CertificateAuthority, name: str
) -> AsyncIterator[WebhookReceiver]:
    """On free ports of 127.0.0.1, with a certificate for `name`."""
    files = authority.issue(name, [name])
    receiver = WebhookReceiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await receiver.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.plain_port = server.sockets[0].getsockname()[1]
    behind = f"127.0.0.1:{receiver.plain_port}"
    try:
        async with tls_front("127.0.0.1:0", behind, files.certificate, files.key) as port:
            receiver.port = port
            yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
