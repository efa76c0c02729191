"""The whole service through gRPC, with an index in memory and a language model made up."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere.llm.v1 import llm_service_pb2_grpc
from clientsphere.retrieval.v1 import retrieval_service_pb2 as wire
from clientsphere.retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceStub
from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InvalidInputError,
)
from clientsphere_common.modules import ServiceParts
from clientsphere_common.request import current_caller
from clientsphere_common.vectors.model import IndexedChunk
from retrieval.settings import RetrievalSettings
from retrieval.wiring import Surroundings, build
from tests.contract.passage_chunks import OPEN
from tests.fakes.passage_index import FakePassageIndex
from tests.harness.cache import new_cache
from tests.harness.rpc import RpcHost, as_caller, rpc_host

if TYPE_CHECKING:
    import grpc

VECTOR = array("f", [0.6, 0.8])


class FakeLlm(llm_service_pb2_grpc.LlmServiceServicer):
    """Gives every text the same vector; remembers texts and tenants."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def Embed(
        self,
        request: llm.EmbedRequest,
        context: grpc.aio.ServicerContext[llm.EmbedRequest, llm.EmbedResponse],
    ) -> llm.EmbedResponse:
        self.asked += [(current_caller().tenant_id, text) for text in request.texts]
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return llm.EmbedResponse(vectors=VECTOR.tobytes(), dimension=2, model="fake-1")

    def Complete(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def ListModels(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def model() -> FakeLlm:
    return FakeLlm()


@pytest.fixture
def index() -> FakePassageIndex:
    return FakePassageIndex()


@pytest.fixture
async def host(model: FakeLlm, index: FakePassageIndex) -> AsyncIterator[RpcHost]:
    async with retrieval(model, index, RetrievalSettings()) as host:
        yield host


@asynccontextmanager
async def retrieval(
    model: FakeLlm, index: FakePassageIndex, settings: RetrievalSettings
) -> AsyncIterator[RpcHost]:
    def register(server: grpc.aio.Server) -> None:
        llm_service_pb2_grpc.add_LlmServiceServicer_to_server(model, server)

    async with rpc_host(ServiceParts("llm-proxy", register, modules=())) as llm_host:
        around = Surroundings(index, llm_host.channel, llm_host.calls, new_cache())
        async with rpc_host(build(settings, around)) as host:
            yield host


async def search(host: RpcHost, question: str, **fields: Any) -> list[wire.Passage]:
    request = wire.SearchRequest(question=question, **fields)
    method = RetrievalServiceStub(host.channel).Search
    return list((await host.calls.unary(method, request, timeout_s=5)).passages)


async def store(index: FakePassageIndex, tenant_id: str, chunk: IndexedChunk) -> None:
    await index.add(tenant_id, [chunk])
    await index.activate(tenant_id, chunk.document_id, chunk.version, OPEN)


def handbook(text: str, document_id: str = "doc_1", knowledge_base: str = "kb_hr") -> IndexedChunk:
    return IndexedChunk(
        document_id=document_id,
        version=3,
        chunk_index=0,
        knowledge_base_id=knowledge_base,
        document_name="handbook.pdf",
        text=text,
        page=12,
        heading_path=("Leave", "Annual leave"),
        start=100,
        end=100 + len(text),
        vector=VECTOR,
    )


class TestSearch:
    async def test_gives_the_passage_with_all_that_a_citation_needs(
        self, host: RpcHost, index: FakePassageIndex
    ) -> None:
        await store(index, "tnt_a", handbook("25 days of leave"))
        as_caller("tnt_a")
        assert await search(host, "leave") == [
            wire.Passage(
                document_id="doc_1",
                document_name="handbook.pdf",
                knowledge_base_id="kb_hr",
                version=3,
                page=12,
                heading_path=["Leave", "Annual leave"],
                start=100,
                end=116,
                text="25 days of leave",
            )
        ]

    async def test_a_tenant_finds_nothing_of_another(
        self, host: RpcHost, index: FakePassageIndex
    ) -> None:
        await store(index, "tnt_a", handbook("25 days of leave"))
        as_caller("tnt_b")
        assert await search(host, "leave") == []
        assert await search(host, "leave", knowledge_base_ids=["kb_hr"]) == []

    async def test_looks_only_into_the_knowledge_bases_named(
        self, host: RpcHost, index: FakePassageIndex
    ) -> None:
        await store(index, "tnt_a", handbook("leave of staff", "doc_1", "kb_hr"))
        await store(index, "tnt_a", handbook("leave to appeal", "doc_2", "kb_law"))
        as_caller("tnt_a")
        found = await search(host, "leave", knowledge_base_ids=["kb_law"])
        assert [passage.document_id for passage in found] == ["doc_2"]

    async def test_gives_no_more_than_was_asked_for(
        self, host: RpcHost, index: FakePassageIndex
    ) -> None:
        for number in range(3):
            await store(index, "tnt_a", handbook(f"leave {number}", f"doc_{number}"))
        as_caller("tnt_a")
        assert len(await search(host, "leave", top_k=2)) == 2

    async def test_keeps_to_the_limit_of_the_settings(
        self, model: FakeLlm, index: FakePassageIndex
    ) -> None:
        second = replace(handbook("leave two"), chunk_index=1)
        await index.add("tnt_a", [handbook("leave one"), second])
        await index.activate("tnt_a", "doc_1", 3, OPEN)
        async with retrieval(model, index, RetrievalSettings(passages_per_document=1)) as host:
            as_caller("tnt_a")
            assert len(await search(host, "leave")) == 1

    async def test_has_the_question_embedded_in_the_name_of_the_caller(
        self, host: RpcHost, model: FakeLlm
    ) -> None:
        as_caller("tnt_a")
        await search(host, " leave ")
        assert model.asked == [("tnt_a", "leave")]

    async def test_tells_what_is_wrong_with_a_question(self, host: RpcHost) -> None:
        as_caller("tnt_a")
        with pytest.raises(InvalidInputError) as refused:
            await search(host, "  ")
        assert refused.value.code == "invalid_question"


class TestEmbedding:
    async def test_a_model_that_is_away_is_told_as_such(
        self, host: RpcHost, model: FakeLlm
    ) -> None:
        model.failure = DependencyUnavailableError("model_away", "The model is away.")
        as_caller("tnt_a")
        with pytest.raises(DependencyUnavailableError) as failed:
            await search(host, "leave")
        assert failed.value.code == "model_away"

    async def test_a_model_that_hangs_is_not_waited_for(
        self, model: FakeLlm, index: FakePassageIndex
    ) -> None:
        model.may_answer.clear()
        async with retrieval(model, index, RetrievalSettings(embed_timeout_s=0.05)) as host:
            as_caller("tnt_a")
            with pytest.raises(DeadlineExceededError):
                await search(host, "leave")
