"""Calls between services are the same in one process, on a unix socket, and over TCP with mTLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clientsphere_common.errors import (
    ConflictError,
    DeadlineExceededError,
    NotFoundError,
    PayloadTooLargeError,
    UnauthenticatedError,
)
from clientsphere_common.request import current_caller, remaining_s, set_timeout
from clientsphere_common.rpc.transport import Transport
from tests.harness.certificates import make_authority
from tests.harness.raw import (
    Waiting,
    echo,
    raw_client_stream,
    raw_server_stream,
    raw_service,
    raw_unary,
)
from tests.harness.rpc import RpcHost, as_caller, rpc_host

MIB = 1024 * 1024
Serve = Callable[..., AbstractAsyncContextManager[RpcHost]]


@pytest.fixture(params=["unix socket", "tcp with mtls"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Serve:
    """Runs services as one of the two shapes does."""
    if request.param == "unix socket":
        return rpc_host
    files = make_authority(tmp_path / "ca").issue("service")
    return partial(rpc_host, address="127.0.0.1:0", transport=Transport(tls=files))


class TestCalls:
    async def test_carry_their_caller(self, serve: Serve) -> None:
        async def tell_caller(_request: bytes, _context: object) -> bytes:
            return repr(current_caller()).encode()

        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(tell_caller))) as host:
            caller = as_caller("tnt_a", "usr_1", frozenset({"search"}))
            answer = await host.calls.unary(raw_unary(host.channel), b"", 5)
        assert answer.decode() == repr(caller)

    async def test_without_a_caller_are_refused(self, serve: Serve) -> None:
        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(echo))) as host:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await raw_unary(host.channel)(b"")
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

    async def test_signed_by_a_stranger_are_refused(self, serve: Serve) -> None:
        parts = raw_service(grpc.unary_unary_rpc_method_handler(echo))
        async with serve(parts) as host, rpc_host() as stranger:
            as_caller("tnt_a")
            with pytest.raises(UnauthenticatedError):
                await stranger.calls.unary(raw_unary(host.channel), b"", 5)

    async def test_fail_with_what_the_service_raised(self, serve: Serve) -> None:
        async def fail(_request: bytes, _context: object) -> bytes:
            raise ConflictError("name_in_use", "Der Name ist vergeben.", retry_after_s=2)

        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(fail))) as host:
            as_caller("tnt_a")
            with pytest.raises(ConflictError) as failed:
                await host.calls.unary(raw_unary(host.channel), b"", 5)
        assert (failed.value.code, failed.value.retry_after_s) == ("name_in_use", 2)
        assert failed.value.message == "Der Name ist vergeben."


class TestStreams:
    async def test_of_requests_arrive_in_order(self, serve: Serve) -> None:
        async def join(requests: AsyncIterator[bytes], _context: object) -> bytes:
            return b"".join([request async for request in requests])

        pieces = [bytes([number]) * 100_000 for number in range(100)]
        async with serve(raw_service(grpc.stream_unary_rpc_method_handler(join))) as host:
            as_caller("tnt_a")
            joined = await host.calls.client_stream(
                raw_client_stream(host.channel), each(*pieces), 10
            )
        assert joined == b"".join(pieces)

    async def test_of_requests_that_are_refused_tell_why(self, serve: Serve) -> None:
        async def refuse(_requests: AsyncIterator[bytes], _context: object) -> bytes:
            raise NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")

        async with serve(raw_service(grpc.stream_unary_rpc_method_handler(refuse))) as host:
            as_caller("tnt_a")
            with pytest.raises(NotFoundError):
                await host.calls.client_stream(
                    raw_client_stream(host.channel), each(*[bytes(MIB)] * 20), 5
                )

    async def test_of_responses_come_one_by_one(self, serve: Serve) -> None:
        waiting = Waiting()
        async with serve(raw_service(grpc.unary_stream_rpc_method_handler(waiting.stream))) as host:
            as_caller("tnt_a")
            responses = host.calls.server_stream(raw_server_stream(host.channel), b"first", 5)
            assert await anext(responses) == b"first"
            assert not waiting.cancelled.is_set()
            await responses.aclose()
            await waiting.cancelled.wait()


class TestTime:
    async def test_the_deadline_of_the_request_behind_a_call_arrives(self, serve: Serve) -> None:
        async def tell_time(_request: bytes, _context: object) -> bytes:
            return str(remaining_s(60)).encode()

        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(tell_time))) as host:
            as_caller("tnt_a")
            set_timeout(3)
            answer = await host.calls.unary(raw_unary(host.channel), b"", 60)
        # gRPC rounds the time it sends up a little.
        assert 2 < float(answer) < 4

    async def test_when_it_is_over_both_sides_stop(self, serve: Serve) -> None:
        waiting = Waiting()
        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(waiting.answer))) as host:
            as_caller("tnt_a")
            with pytest.raises(DeadlineExceededError):
                await host.calls.unary(raw_unary(host.channel), b"", 0.2)
            await waiting.cancelled.wait()

    async def test_a_call_given_up_is_cancelled_on_the_other_side(self, serve: Serve) -> None:
        waiting = Waiting()
        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(waiting.answer))) as host:
            as_caller("tnt_a")
            call = asyncio.create_task(host.calls.unary(raw_unary(host.channel), b"", 60))
            await waiting.started.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await waiting.cancelled.wait()


class TestSizes:
    async def test_messages_of_several_megabytes_pass(self, serve: Serve) -> None:
        message = bytes(15 * MIB)
        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(echo))) as host:
            as_caller("tnt_a")
            assert await host.calls.unary(raw_unary(host.channel), message, 10) == message

    async def test_a_request_beyond_the_limit_is_told_as_too_large(self, serve: Serve) -> None:
        async with serve(raw_service(grpc.unary_unary_rpc_method_handler(echo))) as host:
            as_caller("tnt_a")
            with pytest.raises(PayloadTooLargeError) as refused:
                await host.calls.unary(raw_unary(host.channel), bytes(17 * MIB), 10)
        assert refused.value.code == "message_too_large"

    async def test_an_answer_beyond_the_limit_is_told_as_too_large(self, serve: Serve) -> None:
        async def answer_at_length(_request: bytes, _context: object) -> bytes:
            return bytes(17 * MIB)

        parts = raw_service(grpc.unary_unary_rpc_method_handler(answer_at_length))
        async with serve(parts) as host:
            as_caller("tnt_a")
            with pytest.raises(PayloadTooLargeError) as refused:
                await host.calls.unary(raw_unary(host.channel), b"", 10)
        assert refused.value.code == "message_too_large"


class TestHealth:
    async def test_is_told_to_everybody_who_may_connect(self, serve: Serve) -> None:
        async with serve() as host:
            check: Any = health_pb2_grpc.HealthStub(host.channel).Check
            response = await check(health_pb2.HealthCheckRequest())
        assert response.status == health_pb2.HealthCheckResponse.SERVING


async def each(*requests: bytes) -> AsyncIterator[bytes]:
    for request in requests:
        yield request
