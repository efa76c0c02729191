"""Bounds the body that one request may make this process hold, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1024 * 1024


class BodyLimit:
    """Refuses bodies above 1 MiB, and slow ones, when somebody begins to read them.

    Not earlier, so that a caller without a credential learns nothing but that. `streamed` names
    the method and path of what reads its body piece by piece and has a limit of its own; each
    piece gets the time that other bodies get as a whole.
    """

    def __init__(
        self, app: ASGIApp, streamed: Collection[tuple[str, str]], timeout_s: float
    ) -> None:
        self._app = app
        self._streamed = frozenset(streamed)
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_streamed = (scope["method"], scope["path"]) in self._streamed
        body = _Body(receive, None if is_streamed else scope, self._timeout_s)
        await self._app(scope, body.receive, send)


class _Body:
    def __init__(self, receive: Receive, limited: Scope | None, timeout_s: float) -> None:
        self._receive = receive
        self._limited = limited
        self._timeout_s = timeout_s
        self._ends_at: float | None = None
        self._received_bytes = 0
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:
            # Whoever still asks waits for the client to leave, which has no bound.
            return await self._receive()
        if self._limited is not None and _declared_bytes(self._limited) > MAX_BODY_BYTES:
            raise HTTPException(413)
        message = await self._next_piece()
        self._is_complete = not message.get("more_body", False)
        self._received_bytes += len(message.get("body", b""))
        if self._limited is not None and self._received_bytes > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    async def _next_piece(self) -> Message:
        now = asyncio.get_running_loop().time()
        if self._ends_at is None or self._limited is None:
            self._ends_at = now + self._timeout_s
        try:
            async with asyncio.timeout_at(self._ends_at):
                return await self._receive()
        except TimeoutError as error:
            raise HTTPException(408) from error


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isdecimal() else 0
