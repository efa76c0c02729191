"""HTTP/1.1 of the server, with bounds on what a client may send before it is a request."""

from __future__ import annotations

import asyncio
import json
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from clientsphere_common.request import new_trace, set_trace
from gateway.problems import PROBLEM_MEDIA_TYPE, problem

MAX_HEADER_BYTES = 32 * 1024


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose headers are endless or slow, and answers all others in HTTP.

    The parser would collect a header of any length before it shows it to anybody.
    """

    header_timeout_s: ClassVar[float] = 10.0

    _is_reading_headers = False
    _header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None

    # The parent narrows the type of `transport`, and so do we.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_reading_headers = self._is_reading_headers
        super().data_received(data)
        if was_reading_headers and self._is_reading_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_reading_headers, self._header_bytes = True, 0
        self._start_timer()

    def on_headers_complete(self) -> None:
        self._is_reading_headers = False
        self._stop_timer()
        self._header_bytes = sum(len(name) + len(value) for name, value in self.headers)
        if self._header_bytes > MAX_HEADER_BYTES:
            # Becomes the parser's error, which the parent answers with `send_400_response`.
            raise ValueError("headers are too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say why the bytes that came are no request, and hang up; `msg` is the parent's words."""
        set_trace(new_trace())
        if self._header_bytes > MAX_HEADER_BYTES:
            members = problem(431, "headers_too_large", "The headers are larger than 32 KiB.")
        else:
            members = problem(400, "invalid_http", "This is not a valid HTTP request.")
        body = json.dumps(members).encode()
        head = [
            STATUS_LINE[int(str(members["status"]))],
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\n".encode(),
            f"content-length: {len(body)}\r\n".encode(),
            f"x-request-id: {members['request_id']}\r\n".encode(),
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([*head, body]))
        self.transport.close()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._header_timer = self.loop.call_later(self.header_timeout_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
