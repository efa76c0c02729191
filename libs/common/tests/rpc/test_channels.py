"""Calls reach whoever serves: several servers, servers that go and return, new certificates."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.rpc.channels import ServiceChannel, open_channel
from clientsphere_common.rpc.tls import TlsFiles, TlsFilesError
from clientsphere_common.rpc.transport import LOCAL, PlaintextRefusedError, Transport
from tests.harness.certificates import make_authority
from tests.harness.counted_calls import SERVICE, CountedCalls, create, search
from tests.harness.line import Line
from tests.harness.modules import running
from tests.harness.name_server import name_server
from tests.harness.rpc import as_caller, rpc_host

KEY = Ed25519PrivateKey.generate()
CALLS = OutgoingCalls(CallerSigner("test", KEY))
RECOVERY_S = 5
LONGEST_PAUSE_S = 3.5
TRUSTED = Transport(allow_plaintext=True)


class Server:
    """Counts its calls; reached over a line that can be cut, which looks like its death."""

    def __init__(self, calls: CountedCalls, line: Line) -> None:
        self.calls = calls
        self.line = line


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def start_server(stack: AsyncExitStack, transport: Transport = LOCAL) -> Server:
    calls = CountedCalls()
    host = await stack.enter_async_context(
        rpc_host(calls.parts, address="127.0.0.1:0", transport=transport, key=KEY)
    )
    line = Line(far=("127.0.0.1", int(host.address.rpartition(":")[2])))
    await line.mend()
    stack.push_async_callback(line.cut)
    return Server(calls, line)


async def open_to(stack: AsyncExitStack, *servers: Server) -> grpc.aio.Channel:
    addresses = ",".join(server.line.address for server in servers)
    return await stack.enter_async_context(open_channel(f"ipv4:{addresses}"))


async def answered(channel: grpc.aio.Channel, within_s: float = RECOVERY_S) -> None:
    """Keep asking until there is an answer."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                return await search(CALLS, channel, timeout_s=1)
            except DependencyUnavailableError:
                await asyncio.sleep(0.05)


class TestSeveralServers:
    async def test_share_the_calls(self, stack: AsyncExitStack) -> None:
        servers = [await start_server(stack), await start_server(stack)]
        channel = await open_to(stack, *servers)
        as_caller("tnt_a")
        async with asyncio.timeout(RECOVERY_S):
            while not all(server.calls.count for server in servers):
                await search(CALLS, channel)
        before = [server.calls.count for server in servers]
        for _ in range(20):
            await search(CALLS, channel)
        assert [s.calls.count - n for s, n in zip(servers, before, strict=True)] == [10, 10]

    async def test_one_dies_and_no_call_that_may_be_repeated_fails(
        self, stack: AsyncExitStack
    ) -> None:
        dying, staying = await start_server(stack), await start_server(stack)
        channel = await open_to(stack, dying, staying)
        as_caller("tnt_a")
        await answered(channel)
        dying.calls.go_on.clear()
        in_hand = [asyncio.create_task(search(CALLS, channel)) for _ in range(40)]
        await dying.calls.started.wait()
        await dying.line.cut()
        await asyncio.gather(*in_hand)
        for _ in range(50):
            await search(CALLS, channel)

    async def test_one_that_has_returned_is_used_again_after_one_pause(
        self, stack: AsyncExitStack
    ) -> None:
        returning, staying = await start_server(stack), await start_server(stack)
        channel = await open_to(stack, returning, staying)
        as_caller("tnt_a")
        await answered(channel)
        await returning.line.cut()
        # With ever longer pauses between attempts, the next one would now be five seconds away.
        until = time.monotonic() + 9
        while time.monotonic() < until:
            await search(CALLS, channel)
            await asyncio.sleep(0.05)
        before = returning.calls.count
        await returning.line.mend()
        async with asyncio.timeout(LONGEST_PAUSE_S):
            while returning.calls.count == before:
                await search(CALLS, channel)
                await asyncio.sleep(0.02)


class TestCutInMidCall:
    async def test_a_call_that_may_be_repeated_is_sent_again(self, stack: AsyncExitStack) -> None:
        server = await start_server(stack)
        channel = await open_to(stack, server)
        as_caller("tnt_a")
        server.calls.go_on.clear()
        call = asyncio.create_task(search(CALLS, channel))
        await server.calls.started.wait()
        await server.line.interrupt()
        server.calls.go_on.set()
        await call
        assert server.calls.count == 2

    async def test_a_call_that_may_not_is_never_sent_twice(self, stack: AsyncExitStack) -> None:
        server = await start_server(stack)
        channel = await open_to(stack, server)
        as_caller("tnt_a")
        server.calls.go_on.clear()
        call = asyncio.create_task(create(CALLS, channel))
        await server.calls.started.wait()
        await server.line.interrupt()
        server.calls.go_on.set()
        with pytest.raises(DependencyUnavailableError):
            await call
        # The line carries again: a repeated call would have come through as well.
        await answered(channel)
        assert server.calls.served.count("create") == 1

    async def test_an_answer_that_says_unavailable_is_not_asked_for_again(
        self, stack: AsyncExitStack
    ) -> None:
        server = await start_server(stack)
        server.calls.failure = DependencyUnavailableError("index_unavailable", "It is away.")
        channel = await open_to(stack, server)
        as_caller("tnt_a")
        with pytest.raises(DependencyUnavailableError, match="It is away"):
            await search(CALLS, channel)
        assert server.calls.count == 1


class TestSignsOfLife:
    async def test_are_no_reason_to_close_an_idle_connection(self, stack: AsyncExitStack) -> None:
        server = await start_server(stack)
        lively = Transport(keepalive_time_s=1, keepalive_timeout_s=1)
        channel = await stack.enter_async_context(open_channel(server.line.address, lively))
        await channel.channel_ready()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(6):
                await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)

    async def test_end_a_call_over_a_dead_line_before_its_deadline(
        self, stack: AsyncExitStack
    ) -> None:
        server = await start_server(stack)
        lively = Transport(keepalive_time_s=1, keepalive_timeout_s=0.5)
        channel = await stack.enter_async_context(open_channel(server.line.address, lively))
        as_caller("tnt_a")
        server.calls.go_on.clear()
        call = asyncio.create_task(create(CALLS, channel, timeout_s=60))
        await server.calls.started.wait()
        server.line.hush()
        async with asyncio.timeout(RECOVERY_S):
            with pytest.raises(DependencyUnavailableError):
                await call


class TestNames:
    async def test_all_addresses_of_a_name_get_calls(self, stack: AsyncExitStack) -> None:
        names = await stack.enter_async_context(name_server())
        first, second, port = await same_port(stack)
        names.addresses["retrieval"] = ["127.0.0.1", "127.0.0.2"]
        channel = await stack.enter_async_context(
            open_channel(names.target("retrieval", port), TRUSTED)
        )
        as_caller("tnt_a")
        async with asyncio.timeout(RECOVERY_S):
            while not (first.count and second.count):
                await search(CALLS, channel)

    async def test_servers_that_come_later_are_found_though_nothing_fails(
        self, stack: AsyncExitStack
    ) -> None:
        names = await stack.enter_async_context(name_server())
        first, second, port = await same_port(stack, Transport(max_connection_age_s=1))
        names.addresses["retrieval"] = ["127.0.0.1"]
        channel = await stack.enter_async_context(
            open_channel(names.target("retrieval", port), TRUSTED)
        )
        as_caller("tnt_a")
        await search(CALLS, channel)
        names.addresses["retrieval"] = ["127.0.0.1", "127.0.0.2"]
        async with asyncio.timeout(RECOVERY_S):
            while not second.count:
                await search(CALLS, channel)
                await asyncio.sleep(0.02)
        assert first.count


async def same_port(
    stack: AsyncExitStack, transport: Transport = LOCAL
) -> tuple[CountedCalls, CountedCalls, int]:
    """Two servers on one port of two addresses, as the pods of a service are."""
    first, second = CountedCalls(), CountedCalls()
    host = await stack.enter_async_context(
        rpc_host(first.parts, address="127.0.0.1:0", key=KEY, transport=transport)
    )
    port = int(host.address.rpartition(":")[2])
    await stack.enter_async_context(
        rpc_host(second.parts, address=f"127.0.0.2:{port}", key=KEY, transport=transport)
    )
    return first, second, port


class TestServiceChannel:
    async def test_starts_at_once_when_the_other_service_is_away(self) -> None:
        async with asyncio.timeout(1), running(ServiceChannel(SERVICE, "127.0.0.1:1", LOCAL)):
            pass

    async def test_its_check_tells_who_is_away(self) -> None:
        channel = ServiceChannel("retrieval", "127.0.0.1:1", LOCAL)
        async with running(channel):
            with pytest.raises(DependencyUnavailableError, match="retrieval does not answer"):
                await channel.check()

    async def test_its_check_takes_a_second_at_most(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            channel = ServiceChannel("retrieval", f"127.0.0.1:{port}", LOCAL)
            async with running(channel):
                started = time.monotonic()
                with pytest.raises(DependencyUnavailableError):
                    await channel.check()
                assert time.monotonic() - started < 1.5

    async def test_its_check_tells_who_is_not_ready(self, stack: AsyncExitStack) -> None:
        host = await stack.enter_async_context(rpc_host(CountedCalls().parts))
        channel = ServiceChannel(SERVICE, host.address, LOCAL)
        async with running(channel):
            await host.server.set_ready(False)
            with pytest.raises(DependencyUnavailableError, match="counted is not ready"):
                await channel.check()
            await host.server.set_ready(True)
            await channel.check()

    async def test_its_check_passes_while_the_other_service_is_ready(
        self, stack: AsyncExitStack
    ) -> None:
        server = await start_server(stack)
        channel = ServiceChannel(SERVICE, server.line.address, LOCAL)
        async with running(channel):
            await channel.check()

    async def test_its_check_fails_for_a_service_that_nobody_serves_there(
        self, stack: AsyncExitStack
    ) -> None:
        server = await start_server(stack)
        channel = ServiceChannel("audit", server.line.address, LOCAL)
        async with running(channel):
            with pytest.raises(DependencyUnavailableError):
                await channel.check()

    async def test_is_watched_for_as_long_as_it_runs(self) -> None:
        channel = ServiceChannel(SERVICE, "127.0.0.1:1", LOCAL)
        async with running(channel):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await channel.watch()

    async def test_can_be_stopped_when_it_was_never_started(self) -> None:
        await ServiceChannel(SERVICE, "127.0.0.1:1", LOCAL).stop()

    async def test_finds_a_service_within_five_seconds_of_its_return(
        self, stack: AsyncExitStack
    ) -> None:
        server = await start_server(stack)
        channel = ServiceChannel(SERVICE, server.line.address, LOCAL)
        async with running(channel):
            as_caller("tnt_a")
            await answered(channel.channel)
            await server.line.cut()
            await asyncio.sleep(6)
            await server.line.mend()
            await answered(channel.channel)

    async def test_finds_a_name_within_five_seconds_of_its_appearance(
        self, stack: AsyncExitStack
    ) -> None:
        names = await stack.enter_async_context(name_server())
        server = await start_server(stack)
        port = int(server.line.address.rpartition(":")[2])
        channel = ServiceChannel(SERVICE, names.target("llm-proxy", port), TRUSTED)
        async with running(channel):
            as_caller("tnt_a")
            # gRPC alone asks for the name after 1, 2.3, 5, 9.5 and 16 seconds.
            await asyncio.sleep(11)
            names.addresses["llm-proxy"] = ["127.0.0.1"]
            await answered(channel.channel)


class TestCertificatesOfClients:
    async def test_a_replaced_one_is_used_and_calls_in_hand_end_as_they_began(
        self, stack: AsyncExitStack, tmp_path: Path
    ) -> None:
        authority = make_authority(tmp_path / "ca")
        server = await start_server(stack, Transport(tls=authority.issue("server")))
        channel = await connect(stack, server, authority.issue("client"))
        server.calls.go_on.clear()
        in_hand = asyncio.create_task(create(CALLS, channel))
        await server.calls.started.wait()
        authority.issue("client")
        await until(lambda: server.line.connection_count == 2)
        server.calls.go_on.set()
        await in_hand
        await until(lambda: server.line.connection_count == 1)
        await create(CALLS, channel)
        assert server.calls.count == 2

    async def test_an_expired_one_that_was_replaced_opens_the_door_again(
        self, stack: AsyncExitStack, tmp_path: Path
    ) -> None:
        authority = make_authority(tmp_path / "ca")
        server = await start_server(stack, Transport(tls=authority.issue("server")))
        channel = await connect(stack, server, authority.issue("client", expired=True))
        with pytest.raises(DependencyUnavailableError):
            await search(CALLS, channel)
        authority.issue("client")
        await answered(channel)

    async def test_broken_files_leave_those_in_use_in_use(
        self, stack: AsyncExitStack, tmp_path: Path
    ) -> None:
        authority = make_authority(tmp_path / "ca")
        server = await start_server(stack, Transport(tls=authority.issue("server")))
        files = authority.issue("client")
        channel = await connect(stack, server, files)
        await answered(channel)
        files.certificate.write_text("half of it")
        await server.line.cut()
        await asyncio.sleep(1.5)
        await server.line.mend()
        await answered(channel)

    async def test_missing_files_keep_the_process_from_starting(self, tmp_path: Path) -> None:
        authority = make_authority(tmp_path / "ca")
        files = authority.issue("client")
        files.key.unlink()
        with pytest.raises(TlsFilesError, match=r"client-key\.pem"):
            ServiceChannel(SERVICE, "127.0.0.1:1", Transport(tls=files))


class TestPlaintext:
    async def test_is_refused_beyond_this_machine(self) -> None:
        with pytest.raises(PlaintextRefusedError, match="CLIENTSPHERE_RPC_TLS_CERT_FILE"):
            open_channel("dns:///retrieval:50051")

    async def test_is_spoken_where_the_network_is_trusted(self) -> None:
        await open_channel("dns:///retrieval:50051", Transport(allow_plaintext=True)).close()


async def connect(stack: AsyncExitStack, server: Server, files: TlsFiles) -> grpc.aio.Channel:
    """A channel that is kept usable, in the name of a caller."""
    channel = ServiceChannel(SERVICE, server.line.address, Transport(tls=files))
    await stack.enter_async_context(running(channel))
    as_caller("tnt_a")
    return channel.channel


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(RECOVERY_S):
        while not is_so():
            await asyncio.sleep(0.02)
