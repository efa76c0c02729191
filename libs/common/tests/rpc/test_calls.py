"""What a service sees of those it calls: answers in time, typed failures, nothing left over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InvalidInputError,
    UnauthenticatedError,
)
from clientsphere_common.request import set_timeout
from clientsphere_common.rpc.channels import open_channel
from tests.harness.raw import (
    Waiting,
    echo,
    raw_client_stream,
    raw_server_stream,
    raw_service,
    raw_unary,
)
from tests.harness.rpc import as_caller, rpc_host


class TestUnary:
    async def test_outside_a_request_nothing_is_called(self) -> None:
        async with rpc_host(raw_service(grpc.unary_unary_rpc_method_handler(echo))) as host:
            with pytest.raises(UnauthenticatedError) as refused:
                await host.calls.unary(raw_unary(host.channel), b"", 5)
        assert refused.value.code == "caller_missing"

    async def test_takes_no_longer_than_it_may(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_unary_rpc_method_handler(waiting.answer))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            with pytest.raises(DeadlineExceededError):
                await host.calls.unary(raw_unary(host.channel), b"", 0.05)

    async def test_takes_no_longer_than_the_request_behind_it(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_unary_rpc_method_handler(waiting.answer))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            set_timeout(0.05)
            with pytest.raises(DeadlineExceededError):
                await host.calls.unary(raw_unary(host.channel), b"", 60)

    async def test_giving_up_ends_the_work_on_the_other_side(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_unary_rpc_method_handler(waiting.answer))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            call = asyncio.create_task(host.calls.unary(raw_unary(host.channel), b"", 60))
            await waiting.started.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await waiting.cancelled.wait()

    async def test_a_service_that_is_away_may_be_asked_again_soon(self, tmp_path: Path) -> None:
        async with rpc_host() as host, open_channel(f"unix:{tmp_path / 'none'}") as channel:
            as_caller("tnt_a")
            with pytest.raises(DependencyUnavailableError) as failed:
                await host.calls.unary(raw_unary(channel), b"", 5)
        assert failed.value.code == "service_unavailable"
        assert failed.value.retry_after_s > 0

    async def test_carries_messages_of_several_megabytes(self) -> None:
        message = bytes(10 * 1024 * 1024)
        async with rpc_host(raw_service(grpc.unary_unary_rpc_method_handler(echo))) as host:
            as_caller("tnt_a")
            assert await host.calls.unary(raw_unary(host.channel), message, 10) == message


class TestClientStream:
    async def test_sends_all_requests_in_order(self) -> None:
        async def join(requests: AsyncIterator[bytes], _context: object) -> bytes:
            return b"".join([request async for request in requests])

        async with rpc_host(raw_service(grpc.stream_unary_rpc_method_handler(join))) as host:
            as_caller("tnt_a")
            method = raw_client_stream(host.channel)
            assert await host.calls.client_stream(method, letters(), 5) == b"abc"

    async def test_a_failure_to_read_the_requests_ends_the_call_and_is_raised(self) -> None:
        ended = asyncio.Event()

        async def join(requests: AsyncIterator[bytes], _context: object) -> bytes:
            try:
                return b"".join([request async for request in requests])
            finally:
                ended.set()

        async def too_large() -> AsyncIterator[bytes]:
            yield b"a"
            raise InvalidInputError("file_too_large", "The file is too large.")

        async with rpc_host(raw_service(grpc.stream_unary_rpc_method_handler(join))) as host:
            as_caller("tnt_a")
            with pytest.raises(InvalidInputError):
                await host.calls.client_stream(raw_client_stream(host.channel), too_large(), 5)
            await ended.wait()

    async def test_takes_no_longer_than_it_may(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.stream_unary_rpc_method_handler(waiting.answer))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            with pytest.raises(DeadlineExceededError):
                await host.calls.client_stream(raw_client_stream(host.channel), letters(), 0.05)


class TestServerStream:
    async def test_yields_responses_as_they_come(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_stream_rpc_method_handler(waiting.stream))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            responses = host.calls.server_stream(raw_server_stream(host.channel), b"first", 5)
            assert await anext(responses) == b"first"
            assert not waiting.cancelled.is_set()

    async def test_leaving_the_loop_early_ends_the_work_on_the_other_side(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_stream_rpc_method_handler(waiting.stream))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            async for _ in host.calls.server_stream(raw_server_stream(host.channel), b"first", 60):
                break
            await waiting.cancelled.wait()

    async def test_takes_no_longer_than_it_may(self) -> None:
        waiting = Waiting()
        parts = raw_service(grpc.unary_stream_rpc_method_handler(waiting.stream))
        async with rpc_host(parts) as host:
            as_caller("tnt_a")
            responses = host.calls.server_stream(raw_server_stream(host.channel), b"first", 0.2)
            assert await anext(responses) == b"first"
            with pytest.raises(DeadlineExceededError):
                await anext(responses)


async def letters() -> AsyncIterator[bytes]:
    for letter in (b"a", b"b", b"c"):
        yield letter
