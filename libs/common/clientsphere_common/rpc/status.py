"""Carries a ServiceError over gRPC and rebuilds it on the other side."""

from __future__ import annotations

from typing import NoReturn

import grpc

from clientsphere.common.v1 import error_pb2
from clientsphere_common.errors import (
    ERROR_CLASSES,
    DeadlineExceededError,
    DependencyUnavailableError,
    InternalError,
    OverloadedError,
    PayloadTooLargeError,
    ServiceError,
    UnauthenticatedError,
)
from clientsphere_common.rpc.metadata import ERROR_KEY

_NO_RETRY = ("grpc-retry-pushback-ms", "-1")
"""The channel's retries are for calls that nobody answered; this is an answer."""
_TOO_LARGE = "larger than max"
"""How gRPC says it, whichever end found out."""


async def abort(context: grpc.aio.ServicerContext[object, object], error: ServiceError) -> NoReturn:
    """End the call with the status of `error`, its detail in the trailing metadata."""
    detail = error_pb2.ErrorDetail(
        kind=error.kind,
        code=error.code,
        message=error.message,
        retry_after_s=error.retry_after_s,
    )
    trailer = ((ERROR_KEY, detail.SerializeToString()), _NO_RETRY)
    await context.abort(error.grpc_status, error.message, trailer)


def to_service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """What the called service raised; for a failure without detail, what its status says."""
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_KEY and isinstance(value, bytes):
            return _from_detail(error_pb2.ErrorDetail.FromString(value))
    return _from_status(error.code(), error.details() or "")


def _from_status(status: grpc.StatusCode, details: str) -> ServiceError:
    """Failures of gRPC itself: the called service never saw the call, or had no say in its end."""
    match status:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceededError("deadline_exceeded", "The request took too long.")
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return DependencyUnavailableError(
                "service_unavailable", "A part of the system is not answering.", retry_after_s=1
            )
        case grpc.StatusCode.UNIMPLEMENTED:
            # Two versions side by side, as while one replaces the other.
            return DependencyUnavailableError(
                "service_outdated", "A part of the system does not know this yet.", retry_after_s=5
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED if _TOO_LARGE in details:
            return PayloadTooLargeError(
                "message_too_large", "The request, or its answer, is too large to be passed on."
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return OverloadedError(
                "service_overloaded", "A part of the system has too much to do.", retry_after_s=1
            )
        case grpc.StatusCode.UNAUTHENTICATED:
            return UnauthenticatedError("caller_unknown", "The caller was not recognized.")
        case _:
            return InternalError("internal", "Something went wrong on our side.")


def _from_detail(detail: error_pb2.ErrorDetail) -> ServiceError:
    cls = ERROR_CLASSES.get(detail.kind, InternalError)
    return cls(detail.code, detail.message, retry_after_s=detail.retry_after_s)
