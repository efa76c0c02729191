"""The other services through real gRPC: what goes out, what comes back, what fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from clientsphere.ingestion.v1 import document_pb2 as documents
from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere_common.access.audience import EVERYONE, audience
from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    UnsupportedTypeError,
)
from clientsphere_common.modules import ServiceParts
from clientsphere_common.paging import PageWish
from clientsphere_common.versions import UNCONDITIONAL
from gateway.clients.access import IngestionAccess
from gateway.clients.audit import AuditServiceTrail
from gateway.clients.ingestion import IngestionDocuments, IngestionKnowledgeBases
from gateway.clients.llm_proxy import LlmProxyAnswers
from gateway.clients.retrieval import RetrievalPassageSearch
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess
from gateway.model.answers import Delta, Finish, Question, Usage
from gateway.model.library import DocumentChoice, Failure, Progress, Upload
from gateway.model.trail import TrailChoice, TrailHead
from gateway.times import to_unix_ms
from tests.fakes.gateway_neighbours import Neighbours
from tests.fakes.gateway_ports import NOW, new_passage
from tests.harness.rpc import RpcHost, as_caller, rpc_host

AT = datetime(2026, 11, 22, 9, 33, 20, 125000, tzinfo=UTC)


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
            created = await client.create("kb_new", "handbooks", KnowledgeBaseAccess())
            assert (created.name, created.created_at) == ("handbooks", AT)
            assert (await client.get("kb_1")).document_count == 7
            page = await client.page(PageWish(7))
            assert [one.id for one in page.items] == ["kb_1", "kb_2"]
            assert (await client.page(PageWish(7, "more"))).next_page_token is None
            await client.require_editor("kb_1")
            assert neighbours.ingestion.seen[-1].to_edit
            await client.delete("kb_1")
        assert neighbours.ingestion.callers == ["tnt_a"] * 6

    async def test_failures_come_back_as_they_were_raised(self) -> None:
        async with hosted() as (_, host):
            client = IngestionKnowledgeBases(host.channel, host.calls, 5)
            with pytest.raises(NotFoundError) as refused:
                await client.get("unknown")
        assert refused.value.code == "knowledge_base_not_found"


class TestIngestionAccess:
    async def test_tells_and_changes_who_may_read(self) -> None:
        hr = audience(["hr"], ["key_1"])
        async with hosted() as (neighbours, host):
            client = IngestionAccess(host.channel, host.calls, 5)
            told = await client.of_knowledge_base("kb_1")
            kept = await client.set_of_knowledge_base(
                "kb_1", KnowledgeBaseAccess(EVERYONE, hr), UNCONDITIONAL
            )
            document = await client.of_document("doc_1")
            narrowed = await client.set_of_document("doc_1", DocumentAccess(hr), UNCONDITIONAL)
        assert told == KnowledgeBaseAccess(hr, EVERYONE)
        assert kept == KnowledgeBaseAccess(EVERYONE, hr)
        assert (document.readers, narrowed.readers) == (EVERYONE, hr)
        assert [seen.knowledge_base_id for seen in neighbours.ingestion.seen[:2]] == ["kb_1"] * 2
        assert [seen.document_id for seen in neighbours.ingestion.seen[2:]] == ["doc_1"] * 2

    async def test_readers_go_along_with_what_is_new(self) -> None:
        hr = audience(["hr"], ())
        async with hosted() as (neighbours, host):
            made = IngestionKnowledgeBases(host.channel, host.calls, 5)
            await made.create("kb_new", "salaries", KnowledgeBaseAccess(readers=hr))
            upload = Upload("kb_1", "a.pdf", pieces(b"hello"), readers=hr)
            await IngestionDocuments(host.channel, host.calls, 5, 5).upload(upload)
        created, header = neighbours.ingestion.seen
        assert list(created.access.readers.groups) == ["hr"]
        assert created.new_id == "kb_new"
        assert created.access.editors.everyone
        assert list(header.readers.groups) == ["hr"]


class TestIngestionDocuments:
    async def test_uploads_piece_by_piece(self) -> None:
        large = b"x" * (2 * 1024 * 1024 + 5)
        async with hosted() as (neighbours, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            upload = Upload("kb_1", "a.pdf", pieces(b"he", b"", large), id="upl_1")
            document, is_new = await client.upload(upload)
        assert neighbours.ingestion.received == b"he" + large
        header = documents.UploadHeader(knowledge_base_id="kb_1", name="a.pdf", upload_id="upl_1")
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
            everything = DocumentChoice()
            assert (await client.page(everything, PageWish(7))).next_page_token == "more"
            assert (await client.page(everything, PageWish(7, "more"))).next_page_token is None
            await client.delete("doc_1")

    async def test_lists_what_was_chosen_from_the_first_millisecond_of_a_time_on(self) -> None:
        half = timedelta(microseconds=500)
        choice = DocumentChoice(
            "kb_1", frozenset({"failed", "queued"}), "a", NOW - half, NOW + half
        )
        async with hosted() as (neighbours, host):
            client = IngestionDocuments(host.channel, host.calls, 5, 5)
            await client.page(choice, PageWish(7, "t"))
            await client.page(DocumentChoice(), PageWish())
        chosen, everything = neighbours.ingestion.seen
        now_ms = to_unix_ms(NOW)
        assert chosen == documents.ListDocumentsRequest(
            knowledge_base_id="kb_1",
            page_size=7,
            page_token="t",
            states=[documents.DOCUMENT_STATE_QUEUED, documents.DOCUMENT_STATE_FAILED],
            name_piece="a",
            created_from_ms=now_ms,
            created_before_ms=now_ms + 1,
        )
        assert everything == documents.ListDocumentsRequest(page_size=50)

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
            page = await AuditServiceTrail(host.channel, host.calls, 5).page(
                TrailChoice(40, "x", "key_1", "denied", NOW, NOW), PageWish(7, "t")
            )
        (event,) = page.items
        assert (event.sequence, event.event.action, event.event.details) == (
            41,
            "question.asked",
            {"a": "b"},
        )
        assert page.head == TrailHead(41, "1")
        (request,) = neighbours.audit.seen
        assert (request.after_sequence, request.action) == (40, "x")
        assert (request.page_size, request.page_token) == (7, "t")
        assert (request.principal_id, request.outcome) == ("key_1", "denied")
        now_ms = to_unix_ms(NOW)
        assert (request.occurred_from_ms, request.occurred_before_ms) == (now_ms, now_ms)
