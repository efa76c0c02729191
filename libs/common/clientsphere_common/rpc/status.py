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
    ServiceError,
)
from clientsphere_common.rpc.metadata import ERROR_KEY


async def abort(context: grpc.aio.ServicerContext[object, object], error: ServiceError) -> NoReturn:
    """End the call with the status of `error`, its detail in the trailing metadata."""
    detail = error_pb2.ErrorDetail(
        kind=error.kind,
        code=error.code,
        message=error.message,
        retry_after_s=error.retry_after_s,
    )
    trailer = ((ERROR_KEY, detail.SerializeToString()),)
    await context.abort(error.grpc_status, error.message, trailer)


def to_service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """What the called service raised; for a failure without detail, what its status says."""
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_KEY and isinstance(value, bytes):
            return _from_detail(error_pb2.ErrorDetail.FromString(value))
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError("deadline_exceeded", "The request took too long.")
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return DependencyUnavailableError(
            "service_unavailable", "A part of the system is not answering.", retry_after_s=1
        )
    return InternalError("internal", "Something went wrong on our side.")


def _from_detail(detail: error_pb2.ErrorDetail) -> ServiceError:
    cls = ERROR_CLASSES.get(detail.kind, InternalError)
    return cls(detail.code, detail.message, retry_after_s=detail.retry_after_s)
