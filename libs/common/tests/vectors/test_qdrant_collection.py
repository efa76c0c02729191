"""Tests of clientsphere_common.vectors.remote.collection: making it, and refusing another's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client import grpc as wire
from qdrant_edge import Filter, UpdateOperation

from clientsphere_common.access.audience import Audience
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.readiness import Check, ask_all
from clientsphere_common.vectors.model import Readers
from clientsphere_common.vectors.qdrant_server import QdrantServerIndex
from clientsphere_common.vectors.remote.collection import IndexSchemaError
from clientsphere_common.vectors.schema import FIELD_INDEXES, Field, ReadersField
from clientsphere_common.vectors.settings import QdrantSettings, Quantization
from tests.contract.passage_chunks import DIMENSION, OPEN, chunks, question
from tests.harness.modules import running
from tests.harness.qdrant_server import QdrantServer, qdrant_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[QdrantServer]:
    async with qdrant_server(tmp_path) as started:
        yield started


def index_on(
    server: QdrantServer, dimension: int = DIMENSION, **settings: Any
) -> QdrantServerIndex:
    return QdrantServerIndex(QdrantSettings(url=server.url, **settings), dimension)


def client_of(server: QdrantServer) -> AsyncQdrantClient:
    return AsyncQdrantClient(
        host="127.0.0.1", grpc_port=server.port, prefer_grpc=True, check_compatibility=False
    )


class TestMaking:
    async def test_each_tenant_has_a_graph_of_its_own(self, server: QdrantServer) -> None:
        async with running(index_on(server)):
            made = server.collections.get("passages")
        assert (made.made_as.hnsw_config.m, made.made_as.hnsw_config.payload_m) == (0, 16)
        assert made.fields[Field.TENANT_ID].keyword_index_params.is_tenant
        assert set(made.fields) == set(FIELD_INDEXES)

    async def test_words_are_weighed_by_their_rarity(self, server: QdrantServer) -> None:
        async with running(index_on(server)):
            made = server.collections.get("passages").made_as
        assert made.sparse_vectors_config.map["bm25"].modifier == wire.Modifier.Idf

    async def test_the_settings_shape_it(self, server: QdrantServer) -> None:
        scalar = Quantization.SCALAR
        index = index_on(server, collection="other", shards=3, replicas=2, quantization=scalar)
        async with running(index):
            made = server.collections.get("other").made_as
        assert (made.shard_number, made.replication_factor) == (3, 2)
        assert made.quantization_config.scalar.type == wire.QuantizationType.Int8

    async def test_it_is_called_by_an_alias(self, server: QdrantServer) -> None:
        async with running(index_on(server)):
            assert server.collections.aliases == {"passages": "passages-1"}

    async def test_the_next_start_finds_it(self, server: QdrantServer) -> None:
        for _ in range(2):
            async with running(index_on(server)):
                pass
        assert [name for name, _ in server.calls].count("Create") == 1

    async def test_many_processes_may_start_at_once(self, server: QdrantServer) -> None:
        async with AsyncExitStack() as stack:
            many = [index_on(server) for _ in range(8)]
            await asyncio.gather(*(stack.enter_async_context(running(one)) for one in many))
            await many[0].add("acme", chunks(3))
            assert [await one.count("acme") for one in many] == [3] * 8
        assert [name for name, _ in server.calls].count("Create") > 1

    async def test_what_a_dying_process_left_half_made_is_finished(
        self, server: QdrantServer
    ) -> None:
        async with running(index_on(server)):
            complete = dict(server.collections.get("passages").fields)
        server.collections.aliases.clear()
        server.collections.get("passages-1").fields.clear()
        async with running(index_on(server)):
            assert server.collections.get("passages").fields == complete

    async def test_an_alias_that_was_moved_stays_where_it_is(self, server: QdrantServer) -> None:
        async with running(index_on(server)):
            pass
        made = server.collections.get("passages").made_as
        renamed = wire.CreateCollection()
        renamed.CopyFrom(made)
        renamed.collection_name = "passages-2"
        server.collections.create(renamed)
        server.collections.create_alias("passages", "passages-2")
        async with running(index_on(server)):
            assert server.collections.aliases == {"passages": "passages-2"}

    async def test_a_refusal_to_make_it_is_a_dependency_unavailable(
        self, server: QdrantServer
    ) -> None:
        index = index_on(server, dimension=0)
        async with running(index):
            with pytest.raises(DependencyUnavailableError):
                await index.check()


async def refused_by_check(index: QdrantServerIndex, reason: str) -> None:
    """It starts, and says why it is not ready."""
    async with running(index):
        (finding,) = (await ask_all([Check(index.name, index.check)])).findings
    assert finding.error
    assert re.search(reason, finding.error)


class TestRefusing:
    async def test_another_dimension_is_told_with_both_numbers(self, server: QdrantServer) -> None:
        async with running(index_on(server)):
            pass
        await refused_by_check(index_on(server, dimension=8), r"of 16 numbers.* gives 8")

    async def test_a_collection_of_somebody_else(self, server: QdrantServer) -> None:
        client = client_of(server)
        image = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
        hnsw = models.HnswConfigDiff(m=16, payload_m=16, ef_construct=100, full_scan_threshold=10)
        await client.create_collection("passages", {"image": image}, hnsw_config=hnsw)
        await client.close()
        await refused_by_check(index_on(server), "not made as a passage index")

    @pytest.mark.parametrize("version", ["1.18.9", "0.99.0"])
    async def test_a_server_that_is_too_old(self, server: QdrantServer, version: str) -> None:
        server.version = version
        await refused_by_check(index_on(server), rf"is {version}, but 1\.19 or newer")

    async def test_a_server_that_was_renewed_is_taken_without_a_restart(
        self, server: QdrantServer
    ) -> None:
        server.version = "1.18.0"
        async with running(index := index_on(server)):
            with pytest.raises(IndexSchemaError):
                await index.check()
            server.version = "1.19.0"
            await index.check()
            assert await index.count("acme") == 0

    async def test_users_are_not_told_what_operators_are(self, server: QdrantServer) -> None:
        server.version = "1.18.0"
        async with running(index := index_on(server)):
            with pytest.raises(DependencyUnavailableError) as failed:
                await index.count("acme")
        assert failed.value.code == "index_unavailable"
        assert "1.18" not in failed.value.message

    @pytest.mark.parametrize("version", ["1.19.0", "1.20.1-dev", "2.0.0"])
    async def test_newer_servers_are_taken(self, server: QdrantServer, version: str) -> None:
        server.version = version
        async with running(index_on(server)):
            assert server.collections.aliases


class TestUpgrade:
    """A collection of a release that knew of no readers."""

    async def _outdate(self, server: QdrantServer) -> None:
        index = index_on(server)
        async with running(index):
            await index.add("acme", chunks(3))
            await index.activate("acme", "handbook", 1, OPEN)
        shard = server.collections.get("passages").shard
        for field in (field for place in ReadersField for field in place.value):
            shard.update(UpdateOperation.delete_payload_by_filter(Filter(), [field]))
            shard.update(UpdateOperation.delete_field_index(field))
        server.collections.get("passages").fields.clear()

    async def test_what_everybody_found_everybody_finds(self, server: QdrantServer) -> None:
        await self._outdate(server)
        index = index_on(server)
        async with running(index):
            assert len(await index.search("acme", question())) == 3
        new = {field for place in ReadersField for field in place.value}
        assert set(server.collections.get("passages").fields) == new

    async def test_what_was_narrowed_since_is_not_given_back(self, server: QdrantServer) -> None:
        await self._outdate(server)
        nobody = Readers(Audience(frozenset()), 1)
        for _ in range(2):
            index = index_on(server)
            async with running(index):
                await index.set_document_readers("acme", "handbook", nobody)
                assert await index.search("acme", question()) == []
