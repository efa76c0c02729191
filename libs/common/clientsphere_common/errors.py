"""The expected failures of every service, each with its gRPC and HTTP status."""

from __future__ import annotations

from typing import ClassVar

import grpc


class ServiceError(Exception):
    """A failure that the caller can be told about.

    `code` is stable and specific (`document_not_found`): clients program against it, and
    docs/errors.md lists it. `message` is one sentence for a person: never a secret, document
    text or another tenant's data.
    """

    kind: ClassVar[str]
    grpc_status: ClassVar[grpc.StatusCode]
    http_status: ClassVar[int]

    def __init__(self, code: str, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"


class InvalidInputError(ServiceError):
    """What was sent cannot be used, whatever the state of the system."""

    kind = "invalid_input"
    grpc_status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 400


class PayloadTooLargeError(ServiceError):
    kind = "payload_too_large"
    grpc_status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 413


class UnsupportedTypeError(ServiceError):
    """The bytes are of a type that this service does not read."""

    kind = "unsupported_type"
    grpc_status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 415


class UnauthenticatedError(ServiceError):
    kind = "unauthenticated"
    grpc_status = grpc.StatusCode.UNAUTHENTICATED
    http_status = 401


class PermissionDeniedError(ServiceError):
    """The caller is known and may not do this. A foreign id is never denied: it is not found."""

    kind = "permission_denied"
    grpc_status = grpc.StatusCode.PERMISSION_DENIED
    http_status = 403


class NotFoundError(ServiceError):
    """There is no such thing for this tenant; the same words for foreign and for random ids."""

    kind = "not_found"
    grpc_status = grpc.StatusCode.NOT_FOUND
    http_status = 404


class ConflictError(ServiceError):
    kind = "conflict"
    grpc_status = grpc.StatusCode.ALREADY_EXISTS
    http_status = 409


class PreconditionFailedError(ServiceError):
    """It is no longer what the caller has seen of it."""

    kind = "precondition_failed"
    grpc_status = grpc.StatusCode.FAILED_PRECONDITION
    http_status = 412


class UnprocessableError(ServiceError):
    """Well formed, and in contradiction to what was sent before."""

    kind = "unprocessable"
    grpc_status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 422


class LimitExceededError(ServiceError):
    """A rate, quota or budget is used up; `retry_after_s` says when to come back."""

    kind = "limit_exceeded"
    grpc_status = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 429


class DependencyUnavailableError(ServiceError):
    """Something that this service needs did not answer; trying again may help."""

    kind = "dependency_unavailable"
    grpc_status = grpc.StatusCode.UNAVAILABLE
    http_status = 503


class OverloadedError(DependencyUnavailableError):
    """It refuses what it could not do in time; asking again at once would only add to that."""

    kind = "overloaded"
    grpc_status = grpc.StatusCode.RESOURCE_EXHAUSTED


class DeadlineExceededError(ServiceError):
    kind = "deadline_exceeded"
    grpc_status = grpc.StatusCode.DEADLINE_EXCEEDED
    http_status = 504


class InternalError(ServiceError):
    """A bug on our side, told without details; the log has them under the request id."""

    kind = "internal"
    grpc_status = grpc.StatusCode.INTERNAL
    http_status = 500


_CLASSES: tuple[type[ServiceError], ...] = (
    InvalidInputError,
    PayloadTooLargeError,
    UnsupportedTypeError,
    UnauthenticatedError,
    PermissionDeniedError,
    NotFoundError,
    ConflictError,
    PreconditionFailedError,
    UnprocessableError,
    LimitExceededError,
    DependencyUnavailableError,
    OverloadedError,
    DeadlineExceededError,
    InternalError,
)
ERROR_CLASSES: dict[str, type[ServiceError]] = {cls.kind: cls for cls in _CLASSES}
"""Every kind of failure by its name on the wire."""
