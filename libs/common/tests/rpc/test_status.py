"""What a failure of gRPC itself means to the one who called."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InternalError,
    OverloadedError,
    PayloadTooLargeError,
    ServiceError,
    UnauthenticatedError,
)
from clientsphere_common.rpc.status import to_service_error

Status = grpc.StatusCode


class TestFailuresWithoutDetail:
    @pytest.mark.parametrize(
        ("status", "details", "expected"),
        [
            (Status.DEADLINE_EXCEEDED, "Deadline Exceeded", DeadlineExceededError),
            (Status.UNAVAILABLE, "failed to connect", DependencyUnavailableError),
            (Status.CANCELLED, "", DependencyUnavailableError),
            (Status.UNIMPLEMENTED, "Method not found!", DependencyUnavailableError),
            (
                Status.RESOURCE_EXHAUSTED,
                "message larger than max",
                PayloadTooLargeError,
            ),
            (Status.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!", OverloadedError),
            (Status.UNAUTHENTICATED, None, UnauthenticatedError),
            (Status.ABORTED, "no", InternalError),
            (Status.UNKNOWN, "", InternalError),
        ],
    )
    def test_have_the_kind_that_tells_what_to_do(
        self, status: Status, details: str | None, expected: type[ServiceError]
    ) -> None:
        failed = to_service_error(AioRpcError(status, Metadata(), Metadata(), details))
        assert type(failed) is expected

    def test_tell_nothing_of_the_inside(self) -> None:
        failed = AioRpcError(Status.UNAVAILABLE, Metadata(), Metadata(), "10.1.2.3: refused")
        assert "10.1.2.3" not in str(to_service_error(failed))
