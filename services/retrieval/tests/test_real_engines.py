"""Questions in people's words against the real index and the real embedding model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import llm_proxy.wiring
from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from clientsphere.retrieval.v1 import retrieval_service_pb2 as wire
from clientsphere.retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceStub
from clientsphere_common.vectors.model import IndexedChunk
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from clientsphere_common.vectors.wire import decode_vectors
from llm_proxy.settings import LlmProxySettings
from retrieval.settings import RetrievalSettings
from retrieval.wiring import Surroundings, build
from tests.contract.passage_chunks import OPEN
from tests.harness.cache import new_cache
from tests.harness.modules import running
from tests.harness.rpc import RpcHost, as_caller, rpc_host

PASSAGES = {
    "leave": "Full-time employees receive 28 days of paid annual leave each calendar year.",
    "sickness": "A doctor's certificate is needed from the fourth day of illness.",
    "travel": "Trains are booked in second class; flights within Europe in economy class.",
    "password": "Passwords have at least 14 characters and are changed after a breach.",
    "error": "Error code KX-4471 means that the pressure valve is stuck.",
}


@dataclass(frozen=True)
class Library:
    host: RpcHost
    model: RpcHost
    index: QdrantEdgeIndex

    async def store(self, tenant_id: str, document_id: str, text: str) -> None:
        as_caller(tenant_id)
        request = llm.EmbedRequest(texts=[text])
        embed = LlmServiceStub(self.model.channel).Embed
        answer = await self.model.calls.unary(embed, request, 10)
        (vector,) = decode_vectors(answer.vectors, answer.dimension)
        chunk = IndexedChunk(
            document_id=document_id,
            version=1,
            chunk_index=0,
            knowledge_base_id="kb_1",
            document_name=f"{document_id}.md",
            text=text,
            page=0,
            heading_path=(),
            start=0,
            end=len(text),
            vector=vector,
        )
        await self.index.add(tenant_id, [chunk])
        await self.index.activate(tenant_id, document_id, 1, OPEN)

    async def search(self, question: str) -> list[str]:
        method = RetrievalServiceStub(self.host.channel).Search
        request = wire.SearchRequest(question=question, top_k=3)
        found = await self.host.calls.unary(method, request, 10)
        return [passage.document_id for passage in found.passages]


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    settings = LlmProxySettings()
    dimension = llm_proxy.wiring.embedding_dimension(settings)
    index = QdrantEdgeIndex(tmp_path / "vectors", dimension)
    async with (
        running(index),
        rpc_host(llm_proxy.wiring.build(settings, llm_proxy.wiring.Surroundings())) as model,
    ):
        around = Surroundings(index, model.channel, model.calls, new_cache())
        async with rpc_host(build(RetrievalSettings(), around)) as host:
            yield Library(host, model, index)


class TestSearch:
    async def test_finds_by_meaning_by_words_and_for_the_right_tenant(
        self, library: Library
    ) -> None:
        for document_id, text in PASSAGES.items():
            await library.store("tnt_a", document_id, text)
        await library.store("tnt_b", "leave_b", "Employees receive 21 days of paid leave.")

        as_caller("tnt_a")
        assert (await library.search("How much holiday do I get per year?"))[0] == "leave"
        assert (await library.search("KX-4471"))[0] == "error"
        as_caller("tnt_b")
        assert await library.search("How much holiday do I get per year?") == ["leave_b"]
        as_caller("tnt_c")
        assert await library.search("How much holiday do I get per year?") == []

    async def test_a_copy_of_a_document_is_given_once(self, library: Library) -> None:
        await library.store("tnt_a", "original", PASSAGES["leave"])
        await library.store("tnt_a", "copy", PASSAGES["leave"])
        await library.store("tnt_a", "other", PASSAGES["travel"])
        found = await library.search("How many days of annual leave?")
        assert len(found) == 2
        assert {"original", "copy"} & set(found)
        assert "other" in found
