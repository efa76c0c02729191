"""Calls another service: caller, trace and deadline go along, failures come back typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import grpc

from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.request import current_caller, current_trace, remaining_s
from clientsphere_common.rpc.metadata import (
    CONTEXT_KEY,
    REQUEST_ID_KEY,
    TRACEPARENT_KEY,
    Metadata,
)
from clientsphere_common.rpc.status import to_service_error

if TYPE_CHECKING:
    from grpc.aio import (
        StreamUnaryCall,
        StreamUnaryMultiCallable,
        UnaryStreamMultiCallable,
        UnaryUnaryMultiCallable,
    )

Req = TypeVar("Req")
Res = TypeVar("Res")

_CALL_HAS_ENDED = (grpc.aio.AioRpcError, asyncio.InvalidStateError)


class OutgoingCalls:
    """Makes calls in the name of the caller of the request in hand."""

    def __init__(self, signer: CallerSigner) -> None:
        self._signer = signer

    async def unary(
        self, method: UnaryUnaryMultiCallable[Req, Res], request: Req, timeout_s: float
    ) -> Res:
        try:
            return await method(request, timeout=remaining_s(timeout_s), metadata=self.metadata())
        except grpc.aio.AioRpcError as error:
            raise to_service_error(error) from error

    async def client_stream(
        self,
        method: StreamUnaryMultiCallable[Req, Res],
        requests: AsyncIterable[Req],
        timeout_s: float,
    ) -> Res:
        """Send `requests` as they come. What reading them raises ends the call and is raised."""
        call = method(timeout=remaining_s(timeout_s), metadata=self.metadata())
        try:
            await _send(call, requests)
            return await call
        except grpc.aio.AioRpcError as error:
            raise to_service_error(error) from error
        finally:
            call.cancel()

    async def server_stream(
        self, method: UnaryStreamMultiCallable[Req, Res], request: Req, timeout_s: float
    ) -> AsyncGenerator[Res, None]:
        """Yield responses as they come. Leaving the loop early cancels the call."""
        call = method(request, timeout=remaining_s(timeout_s), metadata=self.metadata())
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise to_service_error(error) from error
        finally:
            call.cancel()

    def metadata(self) -> Metadata:
        trace = current_trace()
        return (
            (CONTEXT_KEY, self._signer.sign(current_caller())),
            (REQUEST_ID_KEY, trace.request_id),
            (TRACEPARENT_KEY, trace.traceparent),
        )


async def _send(call: StreamUnaryCall[Req, Res], requests: AsyncIterable[Req]) -> None:
    """Ends early when the server has ended the call: the call then tells why, a write does not."""
    async for request in requests:
        try:
            await call.write(request)
        except _CALL_HAS_ENDED:
            return
    with suppress(*_CALL_HAS_ENDED):
        await call.done_writing()
