"""A stream of events that is kept, once it is whole, for those who ask again."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway.api.answer_stream import AnswerStream
from gateway.idempotency.attempt import Attempt
from gateway.idempotency.model import Reply
from gateway.idempotency.requests import MAX_REPLY_BYTES, IdempotentRequests

_OF_EACH_RESPONSE = frozenset({b"content-length"})


class KeptStream(Response):
    """Sends `stream` as it comes. One that breaks off may be asked for again at once."""

    def __init__(
        self, stream: AnswerStream, requests: IdempotentRequests, attempt: Attempt
    ) -> None:
        super().__init__()
        self._stream = stream
        self._requests = requests
        self._attempt = attempt
        self._sent = bytearray()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_keep(message: Message) -> None:
            self._keep(message.get("body", b""))
            await send(message)

        async with self._requests.held(self._attempt):
            await self._stream(scope, receive, send_and_keep)
            if self._stream.is_whole:
                headers = kept_headers(self._stream.raw_headers)
                reply = Reply(self._stream.status_code, headers, bytes(self._sent))
                await self._requests.settle(self._attempt, reply)
            else:
                await self._requests.release(self._attempt)

    def _keep(self, piece: bytes) -> None:
        # A byte more than is kept says that it was too long.
        self._sent += piece[: MAX_REPLY_BYTES + 1 - len(self._sent)]


def kept_headers(raw: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Those that are not made anew for each response."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in raw
        if name.lower() not in _OF_EACH_RESPONSE
    )
