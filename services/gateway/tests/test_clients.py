"""The other services through real gRPC: what goes out, what comes back, what fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from clientsphere.audit.v1 import audit_service_pb2 as audit
from clientsphere.audit.v1 import audit_service_pb2_grpc
from clientsphere.events.v1 import audit_pb2
from clientsphere.ingestion.v1 import document_pb2 as documents
from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere.ingestion.v1 import knowledge_base_pb2 as knowledge_bases
from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere.llm.v1 import llm_service_pb2_grpc
from clientsphere.retrieval.v1 import retrieval_service_pb2 as retrieval
from clientsphere.retrieval.v1 import retrieval_service_pb2_grpc
from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    UnsupportedTypeError,
)
from clientsphere_common.modules import ServiceParts
from clientsphere_common.request import current_caller
from gateway.clients.audit import AuditServiceTrail
from gateway.clients.ingestion import IngestionDocuments, IngestionKnowledgeBases
from gateway.clients.llm_proxy import LlmProxyAnswers
from gateway.clients.retrieval import RetrievalPassageSearch
from gateway.model.answers import Delta, Finish, Question, Usage
from gateway.model.library import Failure, Progress, Upload
from gateway.model.trail import TrailHead
from tests.fakes.gateway_ports import new_passage
from tests.harness.rpc import RpcHost, as_caller, rpc_host

AT_MS = 1_795_340_000_125
AT = datetime(2026, 11, 22, 9, 33, 20, 125000, tzinfo=UTC)
Context = Any


def proto_document(**changes: Any) -> documents.Document:
    fields: dict[str, Any] = {
        "id": "doc_1",
        "knowledge_base_id": "kb_1",
        "name": "a.pdf",
        "media_type": "application/pdf",
        "size_bytes": 5,
        "sha256": "0" * 64,
        "version": 2,
        "state": documents.DOCUMENT_STATE_PROCESSING,
        "progress": documents.Progress(stage="embedding", chunks_done=1, chunks_total=4),
        "page_count": 3,
        "chunk_count": 4,
        "created_at_ms": AT_MS,
        "updated_at_ms": AT_MS + 1,
    }
    return documents.Document(**{**fields, **changes})


class FakeIngestion(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Finds nothing named `unknown`, and refuses files that begin with `MZ`."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.callers: list[str] = []
        self.received = b""

    def _see(self, request: Any) -> None:
        self.seen.append(request)
        self.callers.append(current_caller().tenant_id)

    async def CreateKnowledgeBase(
        self, request: knowledge_bases.CreateKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.KnowledgeBase:
        self._see(request)
        return knowledge_bases.KnowledgeBase(id="kb_1", name=request.name, created_at_ms=AT_MS)

    async def GetKnowledgeBase(
        self, request: knowledge_bases.GetKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.KnowledgeBase:
        self._see(request)
        if request.knowledge_base_id == "unknown":
            raise NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")
        return knowledge_bases.KnowledgeBase(id="kb_1", name="n", document_count=7)

    async def ListKnowledgeBases(
        self, request: knowledge_bases.ListKnowledgeBasesRequest, context: Context
    ) -> knowledge_bases.ListKnowledgeBasesResponse:
        self._see(request)
        return knowledge_bases.ListKnowledgeBasesResponse(
            knowledge_bases=[knowledge_bases.KnowledgeBase(id="kb_1"), {"id": "kb_2"}]
        )

    async def DeleteKnowledgeBase(
        self, request: knowledge_bases.DeleteKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.DeleteKnowledgeBaseResponse:
        self._see(request)
        return knowledge_bases.DeleteKnowledgeBaseResponse()

    async def UploadDocument(
        self, request_iterator: AsyncIterator[documents.UploadDocumentRequest], context: Context
    ) -> documents.UploadDocumentResponse:
        async for request in request_iterator:
            if request.HasField("header"):
                self._see(request.header)
                continue
            assert len(request.data) <= 1024 * 1024
            if request.data.startswith(b"MZ"):
                raise UnsupportedTypeError("unsupported_type", "Programs are not read.")
            self.received += request.data
        return documents.UploadDocumentResponse(document=proto_document(), is_new_version=True)

    async def GetDocument(
        self, request: documents.GetDocumentRequest, context: Context
    ) -> documents.Document:
        self._see(request)
        failure = documents.Failure(code="pdf_encrypted", message="It is locked.")
        return proto_document(state=documents.DOCUMENT_STATE_FAILED, failure=failure)

    async def ListDocuments(
        self, request: documents.ListDocumentsRequest, context: Context
    ) -> documents.ListDocumentsResponse:
        self._see(request)
        more = "" if request.page_token else "more"
        return documents.ListDocumentsResponse(documents=[proto_document()], next_page_token=more)

    async def DeleteDocument(
        self, request: documents.DeleteDocumentRequest, context: Context
    ) -> documents.DeleteDocumentResponse:
        self._see(request)
        return documents.DeleteDocumentResponse()

    async def DownloadDocument(
        self, request: documents.DownloadDocumentRequest, context: Context
    ) -> AsyncIterator[documents.DownloadDocumentResponse]:
        self._see(request)
        if request.document_id == "unknown":
            raise NotFoundError("document_not_found", "There is no such document.")
        yield documents.DownloadDocumentResponse(document=proto_document())
        yield documents.DownloadDocumentResponse(data=b"he")
        yield documents.DownloadDocumentResponse(data=b"llo")


class FakeRetrieval(retrieval_service_pb2_grpc.RetrievalServiceServicer):
    def __init__(self) -> None:
        self.seen: list[retrieval.SearchRequest] = []

    async def Search(
        self, request: retrieval.SearchRequest, context: Context
    ) -> retrieval.SearchResponse:
        self.seen.append(request)
        passage = retrieval.Passage(
            document_id="doc_1",
            document_name="a.pdf",
            knowledge_base_id="kb_1",
            version=1,
            page=3,
            heading_path=["A", "B"],
            start=10,
            end=14,
            text="text",
        )
        return retrieval.SearchResponse(passages=[passage, retrieval.Passage(document_id="doc_2")])


class FakeLlm(llm_service_pb2_grpc.LlmServiceServicer):
    """Answers in two pieces; never finishes an answer to "Cut?", never ends one to "Wait?"."""

    def __init__(self) -> None:
        self.seen: list[llm.CompleteRequest] = []
        self.was_cancelled = asyncio.Event()
        self.reason = llm.FINISH_REASON_STOP

    async def Complete(
        self, request: llm.CompleteRequest, context: Context
    ) -> AsyncIterator[llm.CompleteResponse]:
        self.seen.append(request)
        question = request.messages[-1].text
        yield llm.CompleteResponse(text="An ")
        try:
            if question == "Wait?":
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        yield llm.CompleteResponse(text="answer. [1]")
        if question != "Cut?":
            usage = llm.Usage(input_tokens=9, output_tokens=3)
            yield llm.CompleteResponse(
                finish=llm.Finish(reason=self.reason, model="fake-1", usage=usage)
            )


class FakeAudit(audit_service_pb2_grpc.AuditServiceServicer):
    def __init__(self) -> None:
        self.seen: list[audit.ListEventsRequest] = []

    async def ListEvents(
        self, request: audit.ListEventsRequest, context: Context
    ) -> audit.ListEventsResponse:
        self.seen.append(request)
        recorded = audit_pb2.AuditRecorded(
            action="question.asked", principal_id="key_1", occurred_at_ms=1, details={"a": "b"}
        )
        chained = audit.ChainedEvent(
            sequence=41, event_id="evt_1", event=recorded, previous_hash="0", hash="1"
        )
        return audit.ListEventsResponse(events=[chained])

    async def GetHead(self, request: audit.GetHeadRequest, context: Context) -> audit.Head:
        return audit.Head(sequence=41, hash="1")


class Neighbours:
    def __init__(self) -> None:
        self.ingestion = FakeIngestion()
        self.retrieval = FakeRetrieval()
        self.llm = FakeLlm()
        self.audit = FakeAudit()

    def register(self, server: grpc.aio.Server) -> None:
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(self.ingestion, server)
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(self.retrieval, server)
        llm_service_pb2_grpc.add_LlmServiceServicer_to_server(self.llm, server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(self.audit, server)


@asynccontextmanager
async def hosted() -> AsyncIterator[tuple[Neighbours, RpcHost]]:
    neighbours = Neighbours()
    async with rpc_host(ServiceParts("neighbours", neighbours.register, ())) as host:
        as_caller("tnt_a")
        yield neighbours, host


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


class TestIngestionKnowledgeBases:
    async def test_speaks_for_the_caller(self) -> None:
        async with hosted() as (neighbours, host):
            client = IngestionKnowledgeBases(host.channel, host.calls, 5)
            created = await client.create("handbooks")
            assert (created.name, created.created_at) == ("handbooks", AT)
            assert (await client.get("kb_1")).document_count == 7
            assert [one.id for one in await client.list_all()] == ["kb_1", "kb_2"]
            await client.delete("kb_1")
        assert neighbours.ingestion.callers == ["tnt_a"] * 4

    async def test_failures_come_back_as_they_were_raised(self) -> None:
        async with hosted() as (_, host):
            client = IngestionKnowledgeBases(host.channel, host.calls, 5)
            with pytest.raises(NotFoundError) as refused:
                await client.get("unknown")
        assert refused.value.code == "knowledge_base_not_found"


class TestIngestionDocuments:
    async def test_uploads_piece_by_piece(self) -> None:
        large = b"x" * (2 * 1024 * 1024 + 5)
        async with hosted() as (neighbours, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            upload = Upload("kb_1", "a.pdf", pieces(b"he", b"", large))
            document, is_new = await client.upload(upload)
        assert neighbours.ingestion.received == b"he" + large
        header = documents.UploadHeader(knowledge_base_id="kb_1", name="a.pdf")
        assert neighbours.ingestion.seen == [header]
        assert is_new
        assert (document.state, document.version) == ("processing", 2)
        assert document.progress == Progress("embedding", 1, 4)
        assert document.failure is None

    async def test_an_upload_that_is_refused_on_the_way_says_why(self) -> None:
        async with hosted() as (_, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            upload = Upload("", "a.exe", pieces(b"MZ", *[b"x" * 100_000] * 50))
            with pytest.raises(UnsupportedTypeError):
                await client.upload(upload)

    async def test_what_reading_the_file_raises_ends_the_upload(self) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"he"
            raise InvalidInputError("field_after_file", "Too late.")

        async with hosted() as (_, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            with pytest.raises(InvalidInputError):
                await client.upload(Upload("", "a.txt", broken()))

    async def test_reads_lists_and_deletes(self) -> None:
        async with hosted() as (_, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            document = await client.get("doc_1")
            assert document.failure == Failure("pdf_encrypted", "It is locked.")
            assert document.state == "failed"
            assert (await client.list_page("kb_1", 7, "")).next_page_token == "more"
            assert (await client.list_page("kb_1", 7, "more")).next_page_token is None
            await client.delete("doc_1")

    async def test_downloads_the_bytes_or_the_text(self) -> None:
        async with hosted() as (neighbours, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            for download in (await client.download("doc_1"), await client.extracted_text("doc_1")):
                assert download.document.name == "a.pdf"
                assert [piece async for piece in download.content] == [b"he", b"llo"]
        assert [request.content for request in neighbours.ingestion.seen] == [
            documents.DOCUMENT_CONTENT_UNSPECIFIED,
            documents.DOCUMENT_CONTENT_EXTRACTED_TEXT,
        ]

    async def test_a_missing_document_is_missing_before_its_first_byte(self) -> None:
        async with hosted() as (_, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            with pytest.raises(NotFoundError):
                await client.download("unknown")


class TestRetrievalPassageSearch:
    async def test_ranks_what_it_finds(self) -> None:
        async with hosted() as (neighbours, host):
            client = RetrievalPassageSearch(host.channel, host.calls, 5)
            first, second = await client.search(Question("Why?", ("kb_1",)), 8)
        assert (first.rank, first.page, first.heading_path) == (1, 3, ("A", "B"))
        assert (second.rank, second.page) == (2, None)
        (request,) = neighbours.retrieval.seen
        assert (request.question, list(request.knowledge_base_ids), request.top_k) == (
            "Why?",
            ["kb_1"],
            8,
        )


class TestLlmProxyAnswers:
    async def test_asks_with_rules_passages_and_exactly_the_question(self) -> None:
        async with hosted() as (neighbours, host):
            client = LlmProxyAnswers(host.channel, host.calls, "large", 5)
            parts = client.answer(Question(" Why? "), "the rules", [new_passage()])
            told = [part async for part in parts]
        assert told == [
            Delta("An "),
            Delta("answer. [1]"),
            Finish(declined=False, model="fake-1", usage=Usage(9, 3)),
        ]
        (request,) = neighbours.llm.seen
        assert [(one.role, one.text) for one in request.messages] == [
            ("system", "the rules"),
            ("user", " Why? "),
        ]
        assert [(one.number, one.text) for one in request.passages] == [(1, "Leave is 25 days.")]
        assert request.model == "large"

    async def test_tells_that_a_model_declined(self) -> None:
        async with hosted() as (neighbours, host):
            neighbours.llm.reason = llm.FINISH_REASON_DECLINED
            client = LlmProxyAnswers(host.channel, host.calls, "", 5)
            told = [part async for part in client.answer(Question("Why?"), "", [])]
        assert isinstance(told[-1], Finish)
        assert told[-1].declined

    async def test_an_answer_without_an_end_is_a_failure(self) -> None:
        async with hosted() as (_, host):
            client = LlmProxyAnswers(host.channel, host.calls, "", 5)
            with pytest.raises(DependencyUnavailableError) as refused:
                _ = [part async for part in client.answer(Question("Cut?"), "", [])]
        assert refused.value.code == "answer_cut_off"

    async def test_cancelling_reaches_the_model(self) -> None:
        async with hosted() as (neighbours, host):
            client = LlmProxyAnswers(host.channel, host.calls, "", 5)

            async def ask() -> None:
                async for _ in client.answer(Question("Wait?"), "", []):
                    has_begun.set()

            has_begun = asyncio.Event()
            asking = asyncio.create_task(ask())
            await asyncio.wait_for(has_begun.wait(), 5)
            asking.cancel()
            await asyncio.wait_for(neighbours.llm.was_cancelled.wait(), 5)
            with pytest.raises(asyncio.CancelledError):
                await asking


class TestAuditServiceTrail:
    async def test_gives_a_page_with_the_head(self) -> None:
        async with hosted() as (neighbours, host):
            page = await AuditServiceTrail(host.channel, host.calls, 5).page(40, 7, "x")
        (event,) = page.items
        assert (event.sequence, event.event.action, event.event.details) == (
            41,
            "question.asked",
            {"a": "b"},
        )
        assert page.head == TrailHead(41, "1")
        (request,) = neighbours.audit.seen
        assert (request.after_sequence, request.page_size, request.action) == (40, 7, "x")
