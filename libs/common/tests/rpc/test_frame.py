"""What surrounds every RPC on the server: who gets in, how it fails, what is told about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clientsphere_common.errors import (
    ERROR_CLASSES,
    DependencyUnavailableError,
    InternalError,
    LimitExceededError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    UnauthenticatedError,
)
from clientsphere_common.request import (
    Caller,
    Trace,
    current_caller,
    current_trace,
    remaining_s,
    set_trace,
)
from clientsphere_common.rpc.metadata import CONTEXT_KEY
from tests.harness.counted_calls import CountedCalls, create, search
from tests.harness.raw import (
    RAW_METHOD,
    raw_client_stream,
    raw_server_stream,
    raw_service,
    raw_unary,
)
from tests.harness.rpc import RpcHost, as_caller, rpc_host


def unary(behavior: Any) -> Any:
    return raw_service(grpc.unary_unary_rpc_method_handler(behavior))


async def call(host: RpcHost, timeout_s: float = 5.0) -> bytes:
    method = raw_unary(host.channel)
    return await host.calls.unary(method, b"", timeout_s)


def rpc_count(host: RpcHost, code: str) -> float | None:
    labels = {"method": RAW_METHOD, "code": code}
    return host.metrics.get_sample_value("clientsphere_rpc_duration_seconds_count", labels)


class TestWhoGetsIn:
    async def test_a_servicer_sees_the_verified_caller(self) -> None:
        async def tell_caller(_request: bytes, _context: object) -> bytes:
            return repr(current_caller()).encode()

        async with rpc_host(unary(tell_caller)) as host:
            caller = as_caller("tnt_a", "usr_1", frozenset({"search"}))
            assert (await call(host)).decode() == repr(caller)

    async def test_calls_of_different_callers_do_not_mix(self) -> None:
        all_arrived = asyncio.Barrier(2)

        async def tell_tenant(_request: bytes, _context: object) -> bytes:
            await all_arrived.wait()
            return current_caller().tenant_id.encode()

        async def tenant_seen_by(tenant_id: str) -> bytes:
            as_caller(tenant_id)
            return await call(host)

        async with rpc_host(unary(tell_tenant)) as host:
            seen = await asyncio.gather(tenant_seen_by("tnt_a"), tenant_seen_by("tnt_b"))
            assert list(seen) == [b"tnt_a", b"tnt_b"]

    async def test_a_call_without_a_caller_never_reaches_the_servicer(self) -> None:
        reached: list[bytes] = []

        async def record(request: bytes, _context: object) -> bytes:
            reached.append(request)
            return b""

        async with rpc_host(unary(record)) as host:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await raw_unary(host.channel)(b"")
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reached == []
        assert rpc_count(host, "UNAUTHENTICATED") == 1

    async def test_a_caller_signed_by_someone_else_is_refused(self) -> None:
        async def answer(request: bytes, _context: object) -> bytes:
            return request

        async with rpc_host(unary(answer)) as host, rpc_host() as other:
            as_caller("tnt_a")
            method = raw_unary(host.channel)
            with pytest.raises(UnauthenticatedError):
                await other.calls.unary(method, b"", 5)

    async def test_health_is_open_to_everybody(self) -> None:
        async with rpc_host() as host:
            check = health_pb2_grpc.HealthStub(host.channel).Check
            response = await check(health_pb2.HealthCheckRequest())
            assert response.status == health_pb2.HealthCheckResponse.SERVING


class TestFailures:
    @pytest.mark.parametrize("error_class", ERROR_CLASSES.values())
    async def test_every_kind_of_failure_reaches_the_caller_as_it_was_raised(
        self, error_class: type[ServiceError]
    ) -> None:
        async def fail(_request: bytes, _context: object) -> bytes:
            raise error_class("some_code", "Ein Satz für Menschen.", retry_after_s=1.5)

        async with rpc_host(unary(fail)) as host:
            as_caller("tnt_a")
            with pytest.raises(error_class) as failed:
                await call(host)
        error = failed.value
        assert type(error) is error_class
        assert (error.code, error.message) == ("some_code", "Ein Satz für Menschen.")
        assert error.retry_after_s == 1.5
        assert rpc_count(host, error_class.grpc_status.name) == 1

    async def test_a_bug_is_told_without_details(self) -> None:
        async def fail(_request: bytes, _context: object) -> bytes:
            raise KeyError("secret of another tenant")

        async with rpc_host(unary(fail)) as host:
            as_caller("tnt_a")
            with pytest.raises(InternalError) as failed:
                await call(host)
        assert "secret" not in f"{failed.value!r} {failed.value.__cause__!r}"
        assert rpc_count(host, "INTERNAL") == 1

    async def test_a_call_that_a_servicer_aborts_keeps_its_status(self) -> None:
        async def abort(_request: bytes, context: Any) -> bytes:
            await context.abort(grpc.StatusCode.ABORTED, "no")
            raise AssertionError

        async with rpc_host(unary(abort)) as host:
            as_caller("tnt_a")
            with pytest.raises(InternalError):
                await call(host)
        assert rpc_count(host, "ABORTED") == 1

    async def test_a_method_that_does_not_exist_yet_may_be_asked_again_later(self) -> None:
        async with rpc_host() as host:
            as_caller("tnt_a")
            with pytest.raises(DependencyUnavailableError) as failed:
                await call(host)
        assert failed.value.code == "service_outdated"


class TestLoad:
    async def test_a_call_too_many_is_refused_at_once_and_those_in_hand_are_not(self) -> None:
        calls = CountedCalls()
        calls.go_on.clear()
        async with rpc_host(calls.parts, max_concurrent_calls=1) as host:
            as_caller("tnt_a")
            in_hand = asyncio.create_task(create(host.calls, host.channel))
            await calls.started.wait()
            with pytest.raises(OverloadedError) as refused:
                await create(host.calls, host.channel)
            calls.go_on.set()
            await in_hand
        assert refused.value.retry_after_s > 0
        assert calls.count == 1

    async def test_a_call_too_many_is_not_sent_again_even_if_it_could_be(self) -> None:
        calls = CountedCalls()
        calls.go_on.clear()
        async with rpc_host(calls.parts, max_concurrent_calls=1) as host:
            as_caller("tnt_a")
            in_hand = asyncio.create_task(create(host.calls, host.channel))
            await calls.started.wait()
            with pytest.raises(OverloadedError):
                await search(host.calls, host.channel)
            calls.go_on.set()
            await in_hand
        method = "/clientsphere.retrieval.v1.RetrievalService/Search"
        labels = {"method": method, "code": "RESOURCE_EXHAUSTED"}
        name = "clientsphere_rpc_duration_seconds_count"
        assert host.metrics.get_sample_value(name, labels) == 1

    async def test_when_calls_have_ended_others_are_served(self) -> None:
        calls = CountedCalls()
        async with rpc_host(calls.parts, max_concurrent_calls=1) as host:
            as_caller("tnt_a")
            for _ in range(3):
                await create(host.calls, host.channel)
        assert calls.count == 3

    async def test_health_is_told_under_every_load(self) -> None:
        calls = CountedCalls()
        calls.go_on.clear()
        async with rpc_host(calls.parts, max_concurrent_calls=1) as host:
            as_caller("tnt_a")
            in_hand = asyncio.create_task(create(host.calls, host.channel))
            await calls.started.wait()
            check = health_pb2_grpc.HealthStub(host.channel).Check
            response = await check(health_pb2.HealthCheckRequest())
            calls.go_on.set()
            await in_hand
        assert response.status == health_pb2.HealthCheckResponse.SERVING


class TestTime:
    async def test_a_servicer_knows_how_long_its_caller_waits(self) -> None:
        async def tell_time(_request: bytes, _context: object) -> bytes:
            return str(remaining_s(60)).encode()

        async with rpc_host(unary(tell_time)) as host:
            as_caller("tnt_a")
            # gRPC rounds the time it sends up a little.
            assert 2 < float(await call(host, timeout_s=3)) < 4

    async def test_a_caller_who_would_wait_for_ever_gets_half_a_minute(self) -> None:
        async def tell_time(_request: bytes, _context: object) -> bytes:
            return str(remaining_s(60)).encode()

        async with rpc_host(unary(tell_time)) as host:
            metadata = ((CONTEXT_KEY, host.signer.sign(Caller("tnt_a", "usr_1"))),)
            answer = await raw_unary(host.channel)(b"", metadata=metadata)
            assert 29 < float(answer) <= 30

    async def test_a_call_given_up_by_its_caller_is_cancelled_and_counted(self) -> None:
        cancelled = asyncio.Event()

        async def wait(_request: bytes, _context: object) -> bytes:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            return b""

        async with rpc_host(unary(wait)) as host:
            as_caller("tnt_a")
            with pytest.raises(ServiceError):
                await call(host, timeout_s=0.05)
            await cancelled.wait()
        assert rpc_count(host, "CANCELLED") == 1


class TestTrace:
    async def test_ids_go_along_with_the_call(self) -> None:
        async def tell_trace(_request: bytes, _context: object) -> bytes:
            trace = current_trace()
            return f"{trace.request_id} {trace.traceparent}".encode()

        async with rpc_host(unary(tell_trace)) as host:
            as_caller("tnt_a")
            set_trace(Trace("req_1", "00-a-b-01"))
            assert await call(host) == b"req_1 00-a-b-01"


class TestStreams:
    async def test_a_stream_of_requests_is_framed(self) -> None:
        async def join(requests: AsyncIterator[bytes], _context: object) -> bytes:
            tenant = current_caller().tenant_id.encode()
            return tenant + b"".join([request async for request in requests])

        parts = raw_service(grpc.stream_unary_rpc_method_handler(join))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            method = raw_client_stream(host.channel)
            assert await host.calls.client_stream(method, stream(b"-x", b"-y"), 5) == b"tnt_a-x-y"

    async def test_a_stream_of_responses_is_framed(self) -> None:
        async def repeat(request: bytes, _context: object) -> AsyncIterator[bytes]:
            for _ in range(3):
                yield current_caller().tenant_id.encode() + request

        parts = raw_service(grpc.unary_stream_rpc_method_handler(repeat))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            method = raw_server_stream(host.channel)
            responses = [part async for part in host.calls.server_stream(method, b"!", 5)]
            assert responses == [b"tnt_a!"] * 3
        assert rpc_count(host, "OK") == 1

    async def test_streams_in_both_directions_are_framed(self) -> None:
        async def echo(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
            async for request in requests:
                yield request

        parts = raw_service(grpc.stream_stream_rpc_method_handler(echo))
        async with rpc_host(parts) as host:
            method: Any = host.channel.stream_stream(RAW_METHOD)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await anext(aiter(method(stream(b"x"))))
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

    async def test_a_stream_that_fails_delivers_what_came_before(self) -> None:
        async def fail_later(_request: bytes, _context: object) -> AsyncIterator[bytes]:
            yield b"first"
            raise LimitExceededError("budget_used_up", "The budget is used up.")

        parts = raw_service(grpc.unary_stream_rpc_method_handler(fail_later))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            responses = host.calls.server_stream(raw_server_stream(host.channel), b"", 5)
            assert await anext(responses) == b"first"
            with pytest.raises(LimitExceededError):
                await anext(responses)
        assert rpc_count(host, "RESOURCE_EXHAUSTED") == 1

    @pytest.mark.parametrize("pieces", [0, 1, 3, 40])
    @pytest.mark.parametrize("piece_bytes", [10, 256 * 1024])
    async def test_a_stream_of_requests_that_is_refused_learns_why_however_much_it_sends(
        self, pieces: int, piece_bytes: int
    ) -> None:
        async def refuse(_requests: AsyncIterator[bytes], _context: object) -> bytes:
            raise NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")

        async with rpc_host(raw_service(grpc.stream_unary_rpc_method_handler(refuse))) as host:
            as_caller("tnt_a")
            method = raw_client_stream(host.channel)
            with pytest.raises(NotFoundError):
                await host.calls.client_stream(method, stream(*[bytes(piece_bytes)] * pieces), 5)


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
