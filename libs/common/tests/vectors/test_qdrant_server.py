"""Tests of clientsphere_common.vectors.qdrant_server: its life, its failures, what it sends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import grpc as wire

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.model import Readers
from clientsphere_common.vectors.points import to_readers
from clientsphere_common.vectors.qdrant_server import QdrantServerIndex
from clientsphere_common.vectors.schema import Field, State
from clientsphere_common.vectors.settings import QdrantSettings, Quantization
from clientsphere_common.vectors.tenant_filter import Tenant, stored
from tests.contract.passage_chunks import (
    DIMENSION,
    OPEN,
    chunk,
    chunks,
    question,
    texts,
    versions,
)
from tests.harness.modules import running
from tests.harness.ports import free_port
from tests.harness.qdrant_server import QdrantServer, qdrant_server

REPOSITORY = Path(__file__).parents[4]
WRITES = {"Upsert", "SetPayload", "Delete"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[QdrantServer]:
    async with qdrant_server(tmp_path / "server") as started:
        yield started


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[QdrantServerIndex]:
    index = QdrantServerIndex(QdrantSettings(url=url, **settings), DIMENSION)
    async with running(index):
        yield index


async def call_everything(index: QdrantServerIndex) -> None:
    await index.add("acme", [*chunks(3), *chunks(3, version=2)])
    await index.activate("acme", "handbook", 2, OPEN)
    await index.activate("acme", "handbook", 1, OPEN)
    await index.set_knowledge_base_readers("acme", "hr", Readers())
    await index.set_document_readers("acme", "handbook", Readers())
    await index.search("acme", question(knowledge_bases=["hr"]))
    await index.count("acme", "handbook", 1, active_only=True)
    await index.remove_version("acme", "handbook", 1)
    await index.remove_document("acme", "handbook")


async def until_it_answers(index: QdrantServerIndex) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                return await index.check()
            except DependencyUnavailableError:
                await asyncio.sleep(0.05)


@contextmanager
def server_process(folder: Path, port: int) -> Iterator[None]:
    """A server of its own that is killed at the end: no handler runs."""
    command = [sys.executable, "-m", "tests.harness.qdrant_server", str(folder), str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        try:
            yield
        finally:
            process.kill()


class TestWhatItSends:
    async def test_every_part_of_every_call_names_the_tenant_first(
        self, server: QdrantServer
    ) -> None:
        async with opened(server.url) as index:
            server.calls.clear()
            await call_everything(index)
        filters = [one for name, request in server.calls for one in self._filters(name, request)]
        assert len(filters) > 10
        for one in filters:
            # What must not be narrows the tenant's points; "should" would add others.
            assert {name.name for name, _ in one.ListFields()} <= {"must", "must_not"}
            first = one.must[0].field
            assert (first.key, list(first.match.keywords.strings)) == (Field.TENANT_ID, ["acme"])

    async def test_every_write_waits_and_keeps_its_order_on_all_replicas(
        self, server: QdrantServer
    ) -> None:
        async with opened(server.url) as index:
            await call_everything(index)
        writes = [request for name, request in server.calls if name in WRITES]
        assert len(writes) == 10
        assert all(request.wait for request in writes)
        assert {request.ordering.type for request in writes} == {wire.WriteOrderingType.Medium}

    def _filters(self, name: str, request: Any) -> Iterable[wire.Filter]:
        if name == "Query":
            yield request.filter
            for prefetch in request.prefetch:
                yield prefetch.filter
                if prefetch.using == "bm25":
                    yield prefetch.params.idf.corpus
        elif name == "Count":
            yield request.filter
        elif name == "SetPayload":
            yield request.points_selector.filter
        elif name == "Delete":
            yield request.points.filter
        else:
            assert name == "Upsert"

    async def test_the_newest_api_key_goes_with_every_call(self, tmp_path: Path) -> None:
        keys = ["right"]
        async with qdrant_server(tmp_path, api_key="right") as server:
            settings = QdrantSettings(url=server.url)
            index = QdrantServerIndex(settings, DIMENSION, api_key=lambda: keys[-1])

            async def rotate_between_calls() -> None:
                await call_everything(index)
                server.api_key = "newer"
                keys.append("newer")
                await call_everything(index)

            with pytest.warns(UserWarning, match="insecure connection"):
                async with running(index):
                    await rotate_between_calls()
            async with opened(server.url) as index:
                with pytest.raises(DependencyUnavailableError):
                    await index.check()


class TestSettings:
    @pytest.mark.parametrize(
        "url", ["localhost:6334", "grpc://qdrant:6334", "http://", "http://me:secret@qdrant:6334"]
    )
    def test_what_is_no_address_is_refused_and_not_shown(self, url: str) -> None:
        with pytest.raises(ValueError, match="no address of a Qdrant server") as refused:
            QdrantSettings(url=url)
        assert "secret" not in str(refused.value)


class TestSearch:
    async def test_two_visible_versions_never_mix(self, server: QdrantServer) -> None:
        async with opened(server.url) as index:
            await index.add("acme", [*chunks(3), *chunks(3, version=2)])
            shown = {Field.STATE: State.VISIBLE, **to_readers(OPEN)}
            await index._set(stored(Tenant("acme"), "handbook"), shown)
            assert versions(await index.search("acme", question())) == {2}
            assert await index.activate("acme", "handbook", 2, OPEN) == 3
            assert await index.count("acme") == 3

    async def test_quantized_vectors_find_the_same(self, server: QdrantServer) -> None:
        settings = {"quantization": Quantization.SCALAR}
        async with opened(server.url, **settings) as index, opened(server.url) as exact:
            await index.add("acme", [*chunks(50), chunk("doors lock at night", index=50)])
            await index.activate("acme", "handbook", 1, OPEN)
            asked = question("zzz", meaning="doors lock at night", limit=3)
            found = await index.search("acme", asked)
            assert texts(found)[0] == "doors lock at night"
            assert found == await exact.search("acme", asked)


class TestSnapshot:
    async def test_it_is_taken_by_the_server(self, server: QdrantServer, tmp_path: Path) -> None:
        async with opened(server.url) as index:
            await index.add("acme", chunks(3))
            name = await index.snapshot()
        assert (tmp_path / "server" / "snapshots" / name).exists()


class TestFailures:
    async def test_a_server_that_stays_silent_is_a_dependency_unavailable(
        self, server: QdrantServer
    ) -> None:
        short = {"read_timeout_s": 0.1, "write_timeout_s": 0.1}
        async with opened(server.url, **short) as index:
            await until_it_answers(index)
            server.answers.clear()
            for call in (index.check(), index.count("acme"), index.add("acme", chunks(1))):
                with pytest.raises(DependencyUnavailableError) as caught:
                    await call
                assert caught.value.code == "index_unavailable"
            server.answers.set()
            await until_it_answers(index)

    async def test_a_server_that_is_asked_too_much_is_a_dependency_unavailable(
        self, server: QdrantServer
    ) -> None:
        async with opened(server.url) as index:
            server.retry_after_s = 3
            with pytest.raises(DependencyUnavailableError) as failed:
                await index.count("acme")
        assert failed.value.retry_after_s == 3

    async def test_it_starts_before_the_server_and_works_when_that_is_there(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        async with opened(f"http://127.0.0.1:{port}") as index:
            with pytest.raises(DependencyUnavailableError):
                await index.count("acme")
            async with qdrant_server(tmp_path, port=port):
                await until_it_answers(index)
                await call_everything(index)

    async def test_it_goes_on_after_a_restart_of_the_server(self, tmp_path: Path) -> None:
        port = free_port()
        async with opened(f"http://127.0.0.1:{port}") as index:
            async with qdrant_server(tmp_path, port=port):
                await until_it_answers(index)
                await index.add("acme", chunks(3))
                await index.activate("acme", "handbook", 1, OPEN)
            with pytest.raises(DependencyUnavailableError):
                await index.check()
            async with qdrant_server(tmp_path, port=port):
                await until_it_answers(index)
                assert len(await index.search("acme", question())) == 3

    async def test_what_was_acknowledged_is_there_after_a_kill_of_the_server(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        async with opened(f"http://127.0.0.1:{port}") as index:
            with server_process(tmp_path, port):
                await until_it_answers(index)
                await index.add("acme", [*chunks(3), *chunks(3, document="prices")])
                await index.activate("acme", "handbook", 1, OPEN)
                await index.remove_document("acme", "prices")
            with server_process(tmp_path, port):
                await until_it_answers(index)
                assert len(await index.search("acme", question())) == 3
                assert await index.count("acme") == 3

    async def test_a_collection_that_vanished_is_told_and_not_made_anew(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        async with opened(f"http://127.0.0.1:{port}") as index:
            async with qdrant_server(tmp_path / "full", port=port):
                await until_it_answers(index)
            async with qdrant_server(tmp_path / "empty", port=port) as empty:
                while not empty.calls:
                    with pytest.raises(DependencyUnavailableError):
                        await index.check()
                    await asyncio.sleep(0.05)
                assert {name for name, _ in empty.calls} == {"Get"}

    async def test_a_vector_of_another_dimension_never_reaches_the_server(
        self, server: QdrantServer
    ) -> None:
        async with opened(server.url) as index:
            server.calls.clear()
            wrong = replace(chunk("text", index=99), vector=[1.0])
            with pytest.raises(ValueError, match="1 numbers"):
                await index.add("acme", [*chunks(99), wrong])
            assert server.calls == []
