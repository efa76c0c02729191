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
from prometheus_client import CollectorRegistry

from clientsphere_common.caller_context import CallerSigner, CallerVerifier
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.host import GrpcHost, open_channel
from clientsphere_common.rpc.metrics import RpcMetrics
from tests.harness.modules import running
from tests.harness.raw import raw_service, raw_unary
from tests.harness.rpc import as_caller

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


def server(socket_path: Path, *services: ServiceParts) -> GrpcHost:
    verifier = CallerVerifier({"test": [KEY.public_key()]})
    frame = RequestFrame(verifier, RpcMetrics(CollectorRegistry()))
    return GrpcHost(f"unix:{socket_path}", services, frame)


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
