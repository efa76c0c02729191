"""What surrounds every RPC on the server: caller, deadline, trace, errors, log line and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog

from clientsphere_common.access.enforcement import require
from clientsphere_common.access.model import Access
from clientsphere_common.access.table import METHOD_ACCESS
from clientsphere_common.caller_context import CallerVerifier
from clientsphere_common.errors import InternalError, OverloadedError, ServiceError
from clientsphere_common.request import new_trace, set_caller, set_timeout, set_trace
from clientsphere_common.rpc.metadata import (
    CONTEXT_KEY,
    REQUEST_ID_KEY,
    TRACEPARENT_KEY,
    binary_value,
    text_value,
)
from clientsphere_common.rpc.methods import method_names
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.rpc.status import abort

log = structlog.get_logger(__name__)

MAX_CONCURRENT_CALLS = 1000

_PUBLIC_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Of gRPC itself. They tell nothing of any tenant, and health answers under every load."""
_DEFAULT_TIMEOUT_S = 30.0

_HANDLER_FACTORIES: dict[tuple[bool, bool], Callable[..., Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By (request is a stream, response is a stream)."""


class RequestFrame(grpc.aio.ServerInterceptor):
    """Lets a call through only for a genuine caller who may make it, and tells what became of it.

    Cannot be made with an `access` that leaves out a method of any service. Calls beyond
    `max_concurrent_calls` at a time are refused rather than made to wait.
    """

    def __init__(
        self,
        verifier: CallerVerifier,
        metrics: RpcMetrics,
        max_concurrent_calls: int = MAX_CONCURRENT_CALLS,
        access: Mapping[str, Sequence[Access]] = METHOD_ACCESS,
    ) -> None:
        missing = method_names() - access.keys()
        if missing:
            raise LookupError(f"not in the access table: {', '.join(sorted(missing))}")
        self._access = access
        self._verifier = verifier
        self._metrics = metrics
        self._max_concurrent_calls = max_concurrent_calls
        self._calls_in_hand = 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_PUBLIC_PREFIXES):
            return handler
        return self._framed(handler, method)

    def _framed(self, handler: Any, method: str) -> Any:
        async def single(request: Any, context: Any) -> Any:
            inner = handler.stream_unary or handler.unary_unary
            async with self._request(method, context), _read_to_the_end(handler, request):
                return await inner(request, context)

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            inner = handler.stream_stream or handler.unary_stream
            async with self._request(method, context):
                async for response in inner(request, context):
                    yield response

        make_handler = _HANDLER_FACTORIES[(handler.request_streaming, handler.response_streaming)]
        return make_handler(
            stream if handler.response_streaming else single,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    @asynccontextmanager
    async def _request(self, method: str, context: Any) -> AsyncIterator[None]:
        started = time.perf_counter()
        code = "CANCELLED"
        self._calls_in_hand += 1
        try:
            self._enter(method, context)
            yield
            code = "OK"
        except ServiceError as error:
            code = error.grpc_status.name
            log.info("rpc_refused", method=method, code=error.code)
            await abort(context, error)
        except grpc.aio.AbortError:
            code = context.code().name
            raise
        except Exception as error:
            code = "INTERNAL"
            log.exception("rpc_failed", method=method, error=type(error).__name__)
            await abort(context, InternalError("internal", "Something went wrong on our side."))
        finally:
            self._calls_in_hand -= 1
            elapsed_s = time.perf_counter() - started
            self._metrics.observe(method, code, elapsed_s)
            log.debug("rpc_served", method=method, code=code, elapsed_ms=round(elapsed_s * 1e3, 1))

    def _enter(self, method: str, context: Any) -> None:
        if self._calls_in_hand > self._max_concurrent_calls:
            raise OverloadedError(
                "service_overloaded", "A part of the system has too much to do.", retry_after_s=1
            )
        metadata = context.invocation_metadata()
        trace = new_trace(
            text_value(metadata, REQUEST_ID_KEY), text_value(metadata, TRACEPARENT_KEY)
        )
        set_trace(trace)
        structlog.contextvars.bind_contextvars(request_id=trace.request_id)
        caller = self._verifier.verify(binary_value(metadata, CONTEXT_KEY))
        set_caller(caller)
        set_timeout(_timeout_s(context))
        structlog.contextvars.bind_contextvars(
            tenant=caller.tenant_id, principal=caller.principal_id
        )
        require(caller, *self._access[method])


@asynccontextmanager
async def _read_to_the_end(handler: Any, request: Any) -> AsyncIterator[None]:
    """When a call is refused while its client still sends, take the rest and forget it.

    A gRPC client whose message finds the call ended reports a broken connection and loses the
    reason. The client's own limit and the deadline bound what there is to read.
    """
    try:
        yield
    except ServiceError:
        if handler.request_streaming:
            async for _ in request:
                continue
        raise


def _timeout_s(context: Any) -> float:
    """Without a deadline from the caller gRPC answers None: a call may not last for ever."""
    left_s: float | None = context.time_remaining()
    return _DEFAULT_TIMEOUT_S if left_s is None else left_s
