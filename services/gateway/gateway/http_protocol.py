"""HTTP/1.1 of the server, with bounds on what a client may send, and on how slow it may be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from clientsphere_common.request import new_trace, set_trace
from gateway.problems import PROBLEM_MEDIA_TYPE, problem

MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_TARGET_BYTES = 8 * 1024
_LEAST_TAKEN_BYTES = 32 * 1024
_PAUSE = "clientsphere.pause_s"


@dataclass(frozen=True)
class ConnectionBounds:
    header_timeout_s: float = 10.0
    """From the first byte of a request to the end of its headers; also the idle time before."""
    write_timeout_s: float = 30.0
    """In which a client takes another 32 KiB, or all there is."""
    max_connections: int = 2000


def pause_after(scope: Scope, pause_s: float) -> None:
    """Read nothing more from this connection until `pause_s` after the response."""
    scope[_PAUSE] = pause_s


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections that are endless or slow, and answers all others in HTTP.

    The parser would collect a header of any length before it shows it to anybody. Whoever owes
    us bytes, or does not take those that we owe, has a timer; nobody else does: a request that
    is being worked on has its deadline, and its body has the bounds of those who read it.
    """

    def __init__(self, bounds: ConnectionBounds | None = None, **connection: Any) -> None:
        super().__init__(**connection)
        self._bounds = bounds or ConnectionBounds()
        self._refusal = (400, "invalid_http", "This is not a valid HTTP request.")
        self._is_reading_headers = False
        self._header_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # The parent narrows the type of `transport`, and so do we.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()
        if len(self.connections) > self._bounds.max_connections:
            self._refusal = (503, "too_many_connections", "There are too many connections.")
            self.send_400_response("")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        was_reading_headers = self._is_reading_headers
        super().data_received(data)
        if was_reading_headers and self._is_reading_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse_headers()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_reading_headers, self._header_bytes = True, 0
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._refusal = (414, "uri_too_long", "Path and query are longer than 8 KiB.")
            # Becomes the parser's error, which the parent answers with `send_400_response`.
            raise ValueError("the target is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refuse_headers()
            raise ValueError("there are too many headers")

    def on_headers_complete(self) -> None:
        self._is_reading_headers = False
        self._stop_timer()
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self._refuse_headers()
            raise ValueError("headers are too large")
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_timer(self._bounds.write_timeout_s)
        elif self.cycle.response_complete and not self._is_reading_headers:
            # For the rest of a body that nobody wants, or for the next request; line breaks
            # before that would put off the parent's own timer for ever.
            self._start_timer()
            pause_s = self.cycle.scope.get(_PAUSE)
            if isinstance(pause_s, float):
                self.flow.pause_reading()
                self.loop.call_later(pause_s, self._go_on_reading)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Say why the bytes that came are no request, and hang up; `msg` is the parent's words."""
        set_trace(new_trace())
        members = problem(*self._refusal)
        body = json.dumps(members).encode()
        head = [
            STATUS_LINE[int(str(members["status"]))],
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\n".encode(),
            f"content-length: {len(body)}\r\n".encode(),
            f"x-request-id: {members['request_id']}\r\n".encode(),
            b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n",
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([*head, body]))
        self._hang_up()

    def _go_on_reading(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _refuse_headers(self) -> None:
        self._refusal = (
            431,
            "headers_too_large",
            f"The headers are larger than 32 KiB, or more than {MAX_HEADERS}.",
        )

    def _hang_up(self) -> None:
        """Close; who does not take what is still to be sent is cut off."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()
            self._start_timer(self._bounds.write_timeout_s)

    def _start_timer(self, timeout_s: float | None = None) -> None:
        self._stop_timer()
        timeout_s = timeout_s or self._bounds.header_timeout_s
        self._timer = self.loop.call_later(timeout_s, self._hang_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch_reader(self) -> None:
        self._stop_write_timer()
        unsent_bytes = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(
            self._bounds.write_timeout_s, self._check_reader, unsent_bytes
        )

    def _check_reader(self, unsent_bytes: int) -> None:
        if unsent_bytes - self.transport.get_write_buffer_size() < _LEAST_TAKEN_BYTES:
            self.transport.abort()
        else:
            self._watch_reader()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
