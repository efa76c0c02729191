"""The server comes up on its address, says so, and goes down without dropping what it is doing."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import CollectorRegistry

from clientsphere_common.access.model import Entry
from clientsphere_common.access.table import METHOD_ACCESS
from clientsphere_common.caller_context import CallerSigner, CallerVerifier
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.channels import open_channel
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.host import GrpcHost
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.rpc.transport import PlaintextRefusedError
from tests.harness.counted_calls import SERVICE, CountedCalls, search
from tests.harness.modules import running
from tests.harness.raw import RAW_METHOD, raw_service, raw_unary
from tests.harness.rpc import as_caller

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
KEY = Ed25519PrivateKey.generate()
CALLS = OutgoingCalls(CallerSigner("test", KEY))


class Slow:
    """A servicer method that answers when it is let go."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

    async def answer(self, request: bytes, _context: object) -> bytes:
        self.started.set()
        await self.go_on.wait()
        return request


@pytest.fixture
def socket_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cs-") as folder:
        yield Path(folder) / "rpc.sock"


def frame() -> RequestFrame:
    return RequestFrame(
        CallerVerifier({"test": [KEY.public_key()]}),
        RpcMetrics(CollectorRegistry()),
        access={**METHOD_ACCESS, RAW_METHOD: (Entry.SIGNED_IN,)},
    )


def server(socket_path: Path, *services: ServiceParts) -> GrpcHost:
    return GrpcHost(f"unix:{socket_path}", services, frame())


async def health(socket_path: Path, service: str) -> health_pb2.HealthCheckResponse:
    async with open_channel(f"unix:{socket_path}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        response: health_pb2.HealthCheckResponse = await check(
            health_pb2.HealthCheckRequest(service=service)
        )
        return response


class TestGrpcHost:
    @pytest.mark.parametrize("service", ["", "test.Raw"])
    async def test_tells_that_it_and_each_of_its_services_are_there(
        self, socket_path: Path, service: str
    ) -> None:
        parts = raw_service(grpc.unary_unary_rpc_method_handler(Slow().answer))
        async with running(server(socket_path, parts)):
            response = await health(socket_path, service)
        assert response.status == health_pb2.HealthCheckResponse.SERVING

    async def test_takes_over_the_socket_of_a_killed_process(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as leftover:
            leftover.bind(str(socket_path))
        async with running(server(socket_path)):
            response = await health(socket_path, "")
        assert response.status == health_pb2.HealthCheckResponse.SERVING

    async def test_says_so_when_it_cannot_have_its_address(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match=r"rpc\.sock"):
            await server(tmp_path / "missing" / "rpc.sock").start()

    async def test_finishes_the_calls_in_hand_before_it_stops(self, socket_path: Path) -> None:
        slow = Slow()
        host = server(socket_path, raw_service(grpc.unary_unary_rpc_method_handler(slow.answer)))
        await host.start()
        async with open_channel(f"unix:{socket_path}") as channel:
            as_caller("tnt_a")
            in_hand = asyncio.create_task(CALLS.unary(raw_unary(channel), b"x", 5))
            await slow.started.wait()
            stopping = asyncio.create_task(host.stop())
            slow.go_on.set()
            assert await in_hand == b"x"
            await stopping

    async def test_answers_nobody_after_it_has_stopped(self, socket_path: Path) -> None:
        async with running(server(socket_path)):
            pass
        async with open_channel(f"unix:{socket_path}") as channel:
            as_caller("tnt_a")
            with pytest.raises(DependencyUnavailableError):
                await CALLS.unary(raw_unary(channel), b"x", 5)

    async def test_can_be_stopped_when_it_was_never_started(self, socket_path: Path) -> None:
        await server(socket_path).stop()


class TestReadiness:
    async def test_only_the_services_stop_being_ready(self, socket_path: Path) -> None:
        host = server(socket_path, CountedCalls().parts)
        async with running(host):
            await host.set_ready(False)
            assert (await health(socket_path, SERVICE)).status == NOT_SERVING
            assert (await health(socket_path, "")).status == SERVING
            await host.set_ready(True)
            assert (await health(socket_path, SERVICE)).status == SERVING

    async def test_what_was_said_before_the_start_holds(self, socket_path: Path) -> None:
        host = server(socket_path, CountedCalls().parts)
        await host.set_ready(False)
        async with running(host):
            assert (await health(socket_path, SERVICE)).status == NOT_SERVING

    async def test_calls_are_served_either_way(self, socket_path: Path) -> None:
        calls = CountedCalls()
        host = server(socket_path, calls.parts)
        async with running(host), open_channel(f"unix:{socket_path}") as channel:
            await host.set_ready(False)
            as_caller("tnt_a")
            await search(CALLS, channel)
        assert calls.count == 1


class TestPorts:
    async def test_a_free_port_is_known_after_the_start(self) -> None:
        calls = CountedCalls()
        host = GrpcHost("127.0.0.1:0", [calls.parts], frame())
        async with running(host), open_channel(f"127.0.0.1:{host.port}") as channel:
            as_caller("tnt_a")
            await search(CALLS, channel)
        assert calls.count == 1

    async def test_a_port_in_use_is_not_shared(self) -> None:
        first = GrpcHost("127.0.0.1:0", [], frame())
        async with running(first):
            with pytest.raises(RuntimeError, match=str(first.port)):
                await GrpcHost(f"127.0.0.1:{first.port}", [], frame()).start()

    def test_plaintext_is_refused_beyond_this_machine(self) -> None:
        with pytest.raises(PlaintextRefusedError):
            GrpcHost("0.0.0.0:50051", [], frame())


class TestReflection:
    async def test_is_off_by_default(self, socket_path: Path) -> None:
        async with running(server(socket_path, CountedCalls().parts)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await services_of(socket_path)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED

    async def test_tells_what_the_server_serves_when_asked_for(self, socket_path: Path) -> None:
        parts = CountedCalls().parts
        host = GrpcHost(f"unix:{socket_path}", [parts], frame(), reflection=True)
        async with running(host):
            assert await services_of(socket_path) == [
                "clientsphere.ingestion.v1.IngestionService",
                "clientsphere.retrieval.v1.RetrievalService",
                "grpc.reflection.v1alpha.ServerReflection",
            ]


async def services_of(socket_path: Path) -> list[str]:
    async with open_channel(f"unix:{socket_path}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        async for response in stub.ServerReflectionInfo(iter([request])):
            return [service.name for service in response.list_services_response.service]
    raise AssertionError
