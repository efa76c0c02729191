"""Serves HTTP inside the process's own event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_LAST_WORDS_S = 1.0
"""For requests that were cut off: to cancel what they wait for and record it."""
_HANDSHAKE_TIMEOUT_S = 10.0
_BACKLOG = 2048


class AddressUnusableError(RuntimeError):
    """The address cannot be listened on; the message says why, for the person who chose it."""


@dataclass(frozen=True)
class HttpAddress:
    host: str
    port: int
    """0: a free one."""
    settings_prefix: str
    """Of the environment variables that chose it, for the person who has to choose another."""
    tls: ssl.SSLContext | None = None
    """None: plaintext."""


class HttpServer:
    """A module: `start` returns when it listens, `stop` when every response has ended.

    Responses that have begun get `drain_s` seconds; then they are cut off.
    """

    def __init__(
        self,
        app: ASGIApp,
        address: HttpAddress,
        *,
        name: str = "http",
        drain_s: int = 10,
        protocol: Callable[..., HttpToolsProtocol] = HttpToolsProtocol,
    ) -> None:
        self.name = name
        self._app = app
        self._host = address.host
        self._port = address.port
        self._settings_prefix = address.settings_prefix
        self._tls = address.tls
        self._drain_s = drain_s
        self._protocol = protocol
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where a program on this machine reaches it; known once it listens."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - compared
        scheme = "http" if self._tls is None else "https"
        host = f"[{host}]" if ":" in host else host
        return f"{scheme}://{host}:{self._port}"

    async def start(self) -> None:
        config = self._config()
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        listener = self._listen()
        self._port = listener.getsockname()[1]
        server.servers = [await self._accept(listener, config, server.server_state)]
        server.started = True
        self._server = server
        # Not `serve`, which would take over the signals of the whole process.
        self._serving = asyncio.create_task(server.main_loop(), name=self.name)

    async def watch(self) -> None:
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await asyncio.wait({self._serving})
        await self._server.shutdown()
        if cut_off := set(self._server.server_state.tasks):
            await asyncio.wait(cut_off, timeout=_LAST_WORDS_S)

    async def _accept(
        self, listener: socket.socket, config: uvicorn.Config, state: ServerState
    ) -> asyncio.Server:
        """As the server's own `startup` does, with a bound on handshakes beside it."""

        def connection() -> HttpToolsProtocol:
            return self._protocol(config=config, server_state=state, app_state={})

        tls: dict[str, Any] = {}
        if self._tls is not None:
            tls = {"ssl": self._tls, "ssl_handshake_timeout": _HANDSHAKE_TIMEOUT_S}
        loop = asyncio.get_running_loop()
        return await loop.create_server(connection, sock=listener, backlog=_BACKLOG, **tls)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server(
                (self._host, self._port), family=family, backlog=_BACKLOG
            )
        except OSError as error:
            raise AddressUnusableError(
                f"Cannot serve HTTP on {self._host} port {self._port}: {error.strerror}. Choose"
                f" another with {self._settings_prefix}HOST and {self._settings_prefix}PORT."
            ) from error
        # Inherited by every connection. The loop sets it for sockets of its own making only, and
        # a response that leaves in two pieces would wait 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=self._drain_s,
            # Without it a request could begin with the caller of the one before it on the same
            # connection.
            reset_contextvars=True,
        )
