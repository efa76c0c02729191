"""An answer as server-sent events, from its first words to its citations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clientsphere_common.errors import DependencyUnavailableError, ServiceError
from gateway.api.connection import while_connected
from gateway.api.schemas.answers import AnswerBody
from gateway.model.answers import Answer, Delta
from gateway.problems import problem_of

_KEEP_ALIVE = b": keep-alive\n\n"
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # Proxies that would collect the events until the answer is whole are told not to.
    "X-Accel-Buffering": "no",
}


class AnswerStream(Response):
    """Events `delta`, then `citations` and `done`; `error` when it breaks off.

    Nothing is sent before the first part is there: what fails until then is an ordinary problem
    document. When the client goes, the work behind the answer is cancelled.
    """

    def __init__(
        self, parts: AsyncGenerator[Delta | Answer, None], keep_alive_s: float = 15.0
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self.is_whole = False
        """The last event has been sent, and is no error."""
        self._parts = parts
        self._keep_alive_s = keep_alive_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._send_all(send))

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._parts):
            first = await anext(self._parts)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            keeping_alive = asyncio.create_task(self._keep_alive(send))
            try:
                await self._send_parts(send, first)
            finally:
                keeping_alive.cancel()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_parts(self, send: Send, first: Delta | Answer) -> None:
        try:
            await _send_piece(send, _events(first))
            async for part in self._parts:
                await _send_piece(send, _events(part))
            self.is_whole = True
        except ServiceError as error:
            await _send_piece(send, _event("error", problem_of(error)))
        except asyncio.CancelledError:
            # The client has gone, or the process stops. A client that is still there is told, and
            # the request ends here: nobody waits for more.
            stopping = DependencyUnavailableError("service_stopping", "The service is stopping.")
            await _send_piece(send, _event("error", problem_of(stopping)))

    async def _keep_alive(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            await _send_piece(send, _KEEP_ALIVE)


def _events(part: Delta | Answer) -> bytes:
    if isinstance(part, Delta):
        return _event("delta", {"text": part.text})
    answer = AnswerBody.model_validate(part).model_dump(mode="json")
    return _event("citations", {"citations": answer["citations"]}) + _event("done", answer)


def _event(name: str, data: object) -> bytes:
    # JSON escapes line breaks, so that the data is always one line.
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _send_piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})
