"""What an outage of the Qdrant server costs, those who ask as well as the server."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clientsphere_common.errors import DeadlineExceededError, DependencyUnavailableError
from clientsphere_common.request import set_timeout
from clientsphere_common.resilience.breaker import BreakerPolicy
from clientsphere_common.resilience.calls import CallPolicy
from clientsphere_common.vectors.qdrant_server import CALL_POLICY, QdrantServerIndex
from clientsphere_common.vectors.settings import QdrantSettings
from tests.contract.passage_chunks import DIMENSION
from tests.harness.modules import running
from tests.harness.ports import free_port
from tests.harness.qdrant_server import QdrantServer, qdrant_server

CALLS = 200
AT_ONCE = 50


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[QdrantServer]:
    async with qdrant_server(tmp_path) as started:
        yield started


@asynccontextmanager
async def index_on(url: str, policy: CallPolicy = CALL_POLICY) -> AsyncIterator[QdrantServerIndex]:
    index = QdrantServerIndex(QdrantSettings(url=url), DIMENSION, policy=policy)
    async with running(index):
        yield index


def break_down(server: QdrantServer) -> None:
    """From now on every call fails at once, for a reason that may pass."""
    server.api_key = "unknown to the index"


async def code_of(index: QdrantServerIndex) -> str:
    """Of the failure that one caller is told; empty when it has its answer."""
    try:
        await index.count("acme")
    except DependencyUnavailableError as error:
        return error.code
    return ""


async def until_refused(index: QdrantServerIndex) -> None:
    while await code_of(index) != "circuit_open":
        pass


async def until_answered(index: QdrantServerIndex) -> None:
    async with asyncio.timeout(5):
        while await code_of(index):
            await asyncio.sleep(0.02)


class TestOutage:
    async def test_retries_add_a_tenth_to_the_load_and_no_more(self, server: QdrantServer) -> None:
        never_open = replace(CALL_POLICY, breaker=BreakerPolicy(failures=1_000_000))
        async with index_on(server.url, never_open) as index:
            break_down(server)
            server.calls.clear()
            began_s = time.monotonic()
            for _ in range(CALLS // AT_ONCE):
                codes = await asyncio.gather(*(code_of(index) for _ in range(AT_ONCE)))
                assert set(codes) == {"index_unavailable"}
            waited_s = time.monotonic() - began_s
        floor = CALL_POLICY.budget.reserve + CALL_POLICY.budget.per_s * waited_s
        assert CALLS < len(server.calls) <= 1.1 * CALLS + floor

    async def test_callers_are_refused_at_once_and_told_when_to_come_back(
        self, server: QdrantServer
    ) -> None:
        async with index_on(server.url) as index:
            break_down(server)
            await until_refused(index)
            began_s = time.monotonic()
            assert {await code_of(index) for _ in range(CALLS)} == {"circuit_open"}
            assert time.monotonic() - began_s < 0.5

    async def test_one_call_finds_out_whether_it_is_over(self, server: QdrantServer) -> None:
        brief = replace(CALL_POLICY, breaker=BreakerPolicy(open_s=0.2))
        async with index_on(server.url, brief) as index:
            break_down(server)
            await until_refused(index)
            await asyncio.sleep(0.2)
            server.api_key = ""
            server.answers.clear()
            server.calls.clear()
            many = [asyncio.create_task(code_of(index)) for _ in range(20)]
            await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
            server.answers.set()
            assert Counter(await asyncio.gather(*many)) == {"": 1, "circuit_open": 19}
            assert len(server.calls) == 1

    async def test_ends_for_callers_soon_after_a_restart_of_the_server(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        async with index_on(f"http://127.0.0.1:{port}") as index:
            async with qdrant_server(tmp_path, port=port):
                await until_answered(index)
            # Long enough for the channel to make its longest pauses.
            for _ in range(30):
                assert await code_of(index)
                await asyncio.sleep(0.1)
            async with qdrant_server(tmp_path, port=port):
                await until_answered(index)

    async def test_ends_with_the_first_check_that_succeeds(self, server: QdrantServer) -> None:
        async with index_on(server.url) as index:
            break_down(server)
            await until_refused(index)
            server.api_key = ""
            await index.check()
            assert await code_of(index) == ""


class TestHurriedCallers:
    async def test_do_not_count_as_an_outage(self, server: QdrantServer) -> None:
        async def hurried() -> None:
            set_timeout(0.01)
            with pytest.raises(DeadlineExceededError):
                await index.count("acme")

        async with index_on(server.url) as index:
            await index.check()
            server.answers.clear()
            for _ in range(10):
                await asyncio.create_task(hurried())
            server.answers.set()
            assert await code_of(index) == ""
