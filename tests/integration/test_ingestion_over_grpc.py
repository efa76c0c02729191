"""Ingestion behind gRPC, with the real index, event log and embedder, and retrieval beside it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import ingestion.wiring
import llm_proxy.wiring
import retrieval.wiring
from clientsphere.ingestion.v1 import document_pb2, ingestion_service_pb2_grpc, knowledge_base_pb2
from clientsphere.retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc
from clientsphere_common.db.assembly import sqlite_tables
from clientsphere_common.errors import InvalidInputError, NotFoundError, UnsupportedTypeError
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from ingestion.settings import IngestionSettings
from llm_proxy.settings import LlmProxySettings
from retrieval.settings import RetrievalSettings
from tests.harness.cache import new_cache
from tests.harness.modules import running
from tests.harness.rpc import RpcHost, as_caller, rpc_host

TIMEOUT_S = 30.0
NOTE = b"# Canteen\n\nThe canteen opens at noon every day. It closes at three.\n"


@dataclass(frozen=True)
class Services:
    documents: ingestion_service_pb2_grpc.IngestionServiceAsyncStub
    search: retrieval_service_pb2_grpc.RetrievalServiceAsyncStub
    host: RpcHost

    async def upload(self, name: str, content: bytes) -> document_pb2.UploadDocumentResponse:
        async def requests() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
            yield document_pb2.UploadDocumentRequest(header=document_pb2.UploadHeader(name=name))
            for start in range(0, len(content), 1000):
                yield document_pb2.UploadDocumentRequest(data=content[start : start + 1000])

        return await self.host.calls.client_stream(
            self.documents.UploadDocument, requests(), TIMEOUT_S
        )

    async def get(self, document_id: str) -> document_pb2.Document:
        request = document_pb2.GetDocumentRequest(document_id=document_id)
        return await self.host.calls.unary(self.documents.GetDocument, request, TIMEOUT_S)

    async def settled(self, document_id: str) -> document_pb2.Document:
        open_states = {document_pb2.DOCUMENT_STATE_QUEUED, document_pb2.DOCUMENT_STATE_PROCESSING}
        async with asyncio.timeout(TIMEOUT_S):
            while (document := await self.get(document_id)).state in open_states:
                await asyncio.sleep(0.02)
        return document

    async def found(self, question: str) -> list[str]:
        request = retrieval_service_pb2.SearchRequest(question=question)
        response = await self.host.calls.unary(self.search.Search, request, TIMEOUT_S)
        return [passage.text for passage in response.passages]

    async def download(
        self, document_id: str, content: document_pb2.DocumentContent.ValueType
    ) -> bytes:
        request = document_pb2.DownloadDocumentRequest(document_id=document_id, content=content)
        pieces = self.host.calls.server_stream(self.documents.DownloadDocument, request, TIMEOUT_S)
        return b"".join([piece.data async for piece in pieces])


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    index = QdrantEdgeIndex(tmp_path / "vectors", 256)
    events = SqliteEventLog(tmp_path / "events.db")
    objects = DirectoryObjectStore(tmp_path / "objects")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(index, events, objects))
        models = await stack.enter_async_context(
            rpc_host(llm_proxy.wiring.build(LlmProxySettings(), llm_proxy.wiring.Surroundings()))
        )
        around = ingestion.wiring.Surroundings(
            tables=sqlite_tables("ingestion", ingestion.wiring.MIGRATIONS, tmp_path),
            scratch_dir=tmp_path / "scratch",
            objects=objects,
            index=index,
            event_log=events,
            llm_channel=models.channel,
            calls=models.calls,
        )
        documents = ingestion.wiring.build(IngestionSettings(), around)
        beside = retrieval.wiring.Surroundings(index, models.channel, models.calls, new_cache())
        search = retrieval.wiring.build(RetrievalSettings(), beside)
        host = await stack.enter_async_context(rpc_host(documents, search))
        await stack.enter_async_context(running(*documents.workers))
        yield Services(
            ingestion_service_pb2_grpc.IngestionServiceStub(host.channel),
            retrieval_service_pb2_grpc.RetrievalServiceStub(host.channel),
            host,
        )


class TestIngestionOverGrpc:
    async def test_an_upload_becomes_searchable_and_readable(self, services: Services) -> None:
        as_caller("tnt_a")
        uploaded = (await services.upload("canteen.md", NOTE)).document
        document = await services.settled(uploaded.id)

        assert document.state == document_pb2.DOCUMENT_STATE_READY
        assert document.progress.stage == "done"
        assert any("noon" in text for text in await services.found("When does the canteen open?"))
        original = await services.download(document.id, document_pb2.DOCUMENT_CONTENT_UNSPECIFIED)
        text = await services.download(document.id, document_pb2.DOCUMENT_CONTENT_EXTRACTED_TEXT)
        assert original == NOTE
        assert "The canteen opens at noon" in text.decode()

    async def test_a_file_that_cannot_be_read_is_told_before_anything_is_sent(
        self, services: Services, tmp_path: Path
    ) -> None:
        as_caller("tnt_a")
        document = (await services.upload("canteen.md", NOTE)).document
        await services.settled(document.id)
        shutil.rmtree(tmp_path / "objects")
        request = document_pb2.DownloadDocumentRequest(document_id=document.id)
        answer = services.host.calls.server_stream(
            services.documents.DownloadDocument, request, TIMEOUT_S
        )
        with pytest.raises(NotFoundError, match="stored file is missing"):
            await anext(answer)

    async def test_the_same_bytes_again_do_nothing(self, services: Services) -> None:
        as_caller("tnt_a")
        first = await services.upload("canteen.md", NOTE)
        await services.settled(first.document.id)
        again = await services.upload("canteen.md", NOTE)
        assert first.is_new_version
        assert not again.is_new_version

    async def test_a_new_version_replaces_the_old_one(self, services: Services) -> None:
        as_caller("tnt_a")
        for content in (NOTE, NOTE.replace(b"noon", b"eleven")):
            uploaded = await services.upload("canteen.md", content)
            document = await services.settled(uploaded.document.id)
        texts = await services.found("When does the canteen open?")
        assert document.version == 2
        assert any("eleven" in text for text in texts)
        assert not any("noon" in text for text in texts)

    async def test_a_deleted_document_is_not_found_by_the_next_search(
        self, services: Services
    ) -> None:
        as_caller("tnt_a")
        document = (await services.upload("canteen.md", NOTE)).document
        await services.settled(document.id)
        request = document_pb2.DeleteDocumentRequest(document_id=document.id)
        await services.host.calls.unary(services.documents.DeleteDocument, request, TIMEOUT_S)

        assert await services.found("When does the canteen open?") == []
        with pytest.raises(NotFoundError):
            await services.get(document.id)

    async def test_a_broken_file_fails_with_a_reason(self, services: Services) -> None:
        as_caller("tnt_a")
        document = (await services.upload("report.pdf", b"%PDF-1.7 and then nothing")).document
        settled = await services.settled(document.id)
        assert settled.state == document_pb2.DOCUMENT_STATE_FAILED
        assert settled.failure.code == "pdf_broken"

    async def test_another_tenant_sees_nothing_of_it(self, services: Services) -> None:
        as_caller("tnt_a")
        document = (await services.upload("canteen.md", NOTE)).document
        await services.settled(document.id)

        as_caller("tnt_b")
        assert await services.found("When does the canteen open?") == []
        with pytest.raises(NotFoundError):
            await services.get(document.id)

    async def test_a_large_refused_file_gets_its_reason(self, services: Services) -> None:
        as_caller("tnt_a")
        with pytest.raises(UnsupportedTypeError) as refusal:
            await services.upload("noise.bin", bytes(range(256)) * 8000)
        assert refusal.value.code == "unsupported_type"

    async def test_an_upload_without_header_is_refused(self, services: Services) -> None:
        async def requests() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
            yield document_pb2.UploadDocumentRequest(data=b"no header")

        as_caller("tnt_a")
        with pytest.raises(InvalidInputError):
            await services.host.calls.client_stream(
                services.documents.UploadDocument, requests(), TIMEOUT_S
            )

    async def test_knowledge_bases_are_made_listed_and_deleted(self, services: Services) -> None:
        as_caller("tnt_a")
        unary, stub = services.host.calls.unary, services.documents
        created = await unary(
            stub.CreateKnowledgeBase,
            knowledge_base_pb2.CreateKnowledgeBaseRequest(name="manuals"),
            TIMEOUT_S,
        )
        found = await unary(
            stub.GetKnowledgeBase,
            knowledge_base_pb2.GetKnowledgeBaseRequest(knowledge_base_id=created.id),
            TIMEOUT_S,
        )
        await unary(
            stub.DeleteKnowledgeBase,
            knowledge_base_pb2.DeleteKnowledgeBaseRequest(knowledge_base_id=created.id),
            TIMEOUT_S,
        )
        listed = await unary(
            stub.ListKnowledgeBases, knowledge_base_pb2.ListKnowledgeBasesRequest(), TIMEOUT_S
        )
        assert found == created
        assert list(listed.knowledge_bases) == []

    async def test_documents_are_listed(self, services: Services) -> None:
        as_caller("tnt_a")
        document = (await services.upload("canteen.md", NOTE)).document
        listed = await services.host.calls.unary(
            services.documents.ListDocuments, document_pb2.ListDocumentsRequest(), TIMEOUT_S
        )
        assert [one.id for one in listed.documents] == [document.id]
        await services.settled(document.id)

    async def test_documents_are_chosen_by_filters(self, services: Services) -> None:
        as_caller("tnt_a")
        document = (await services.upload("canteen.md", NOTE)).document
        await services.settled(document.id)
        at_ms = document.created_at_ms
        for filters, is_listed in (
            ({"states": [document_pb2.DOCUMENT_STATE_READY], "name_piece": "CANTEEN"}, True),
            ({"states": [document_pb2.DOCUMENT_STATE_QUEUED]}, False),
            ({"name_piece": "can_een"}, False),
            ({"created_from_ms": at_ms, "created_before_ms": at_ms + 1}, True),
            ({"created_before_ms": 0}, False),
        ):
            request = document_pb2.ListDocumentsRequest(**filters)
            listed = await services.host.calls.unary(
                services.documents.ListDocuments, request, TIMEOUT_S
            )
            assert bool(listed.documents) == is_listed

    @pytest.mark.parametrize("state", [document_pb2.DOCUMENT_STATE_UNSPECIFIED, 99])
    async def test_documents_are_in_no_state_that_there_is_not(
        self, services: Services, state: document_pb2.DocumentState.ValueType
    ) -> None:
        as_caller("tnt_a")
        request = document_pb2.ListDocumentsRequest(states=[state])
        with pytest.raises(InvalidInputError) as refused:
            await services.host.calls.unary(services.documents.ListDocuments, request, TIMEOUT_S)
        assert refused.value.code == "invalid_filter"
