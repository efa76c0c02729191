"""Knowledge bases and documents in the ingestion service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from clientsphere.ingestion.v1 import document_pb2 as documents
from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere.ingestion.v1 import knowledge_base_pb2 as knowledge_bases
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.rpc.calls import OutgoingCalls
from gateway.clients.access import access_to_proto, audience_to_proto
from gateway.model.access import KnowledgeBaseAccess
from gateway.model.library import (
    Document,
    DocumentChoice,
    DocumentState,
    Download,
    Failure,
    KnowledgeBase,
    Progress,
    Upload,
)
from gateway.times import first_unix_ms, from_unix_ms

if TYPE_CHECKING:
    import grpc

_PIECE_BYTES = 1024 * 1024
_STATES: Mapping[documents.DocumentState.ValueType, DocumentState] = {
    documents.DOCUMENT_STATE_QUEUED: "queued",
    documents.DOCUMENT_STATE_PROCESSING: "processing",
    documents.DOCUMENT_STATE_READY: "ready",
    documents.DOCUMENT_STATE_FAILED: "failed",
}


class IngestionKnowledgeBases:
    def __init__(
        self, channel: grpc.aio.Channel, calls: OutgoingCalls, call_timeout_s: float
    ) -> None:
        self._stub = ingestion_service_pb2_grpc.IngestionServiceStub(channel)
        self._calls = calls
        self._timeout_s = call_timeout_s

    async def create(self, new_id: str, name: str, access: KnowledgeBaseAccess) -> KnowledgeBase:
        request = knowledge_bases.CreateKnowledgeBaseRequest(
            name=name, access=access_to_proto(access), new_id=new_id
        )
        created = await self._calls.unary(self._stub.CreateKnowledgeBase, request, self._timeout_s)
        return _knowledge_base(created)

    async def get(self, knowledge_base_id: str) -> KnowledgeBase:
        request = knowledge_bases.GetKnowledgeBaseRequest(knowledge_base_id=knowledge_base_id)
        found = await self._calls.unary(self._stub.GetKnowledgeBase, request, self._timeout_s)
        return _knowledge_base(found)

    async def require_editor(self, knowledge_base_id: str) -> None:
        request = knowledge_bases.GetKnowledgeBaseRequest(
            knowledge_base_id=knowledge_base_id, to_edit=True
        )
        await self._calls.unary(self._stub.GetKnowledgeBase, request, self._timeout_s)

    async def page(self, wish: PageWish) -> Page[KnowledgeBase]:
        request = knowledge_bases.ListKnowledgeBasesRequest(
            page_size=wish.size, page_token=wish.token
        )
        found = await self._calls.unary(self._stub.ListKnowledgeBases, request, self._timeout_s)
        items = tuple(_knowledge_base(one) for one in found.knowledge_bases)
        return Page(items, found.next_page_token or None)

    async def delete(self, knowledge_base_id: str) -> None:
        request = knowledge_bases.DeleteKnowledgeBaseRequest(knowledge_base_id=knowledge_base_id)
        await self._calls.unary(self._stub.DeleteKnowledgeBase, request, self._timeout_s)


class IngestionDocuments:
    def __init__(
        self,
        channel: grpc.aio.Channel,
        calls: OutgoingCalls,
        call_timeout_s: float,
        transfer_timeout_s: float,
    ) -> None:
        self._stub = ingestion_service_pb2_grpc.IngestionServiceStub(channel)
        self._calls = calls
        self._timeout_s = call_timeout_s
        self._transfer_timeout_s = transfer_timeout_s

    async def upload(self, upload: Upload) -> tuple[Document, bool]:
        outcome = await self._calls.client_stream(
            self._stub.UploadDocument, _upload_requests(upload), self._transfer_timeout_s
        )
        return _document(outcome.document), outcome.is_new_version

    async def get(self, document_id: str) -> Document:
        request = documents.GetDocumentRequest(document_id=document_id)
        found = await self._calls.unary(self._stub.GetDocument, request, self._timeout_s)
        return _document(found)

    async def page(self, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        start, end = choice.created_from, choice.created_before
        request = documents.ListDocumentsRequest(
            knowledge_base_id=choice.knowledge_base_id,
            states=[number for number, state in _STATES.items() if state in choice.states],
            name_piece=choice.name_piece,
            created_from_ms=None if start is None else first_unix_ms(start),
            created_before_ms=None if end is None else first_unix_ms(end),
            page_size=wish.size,
            page_token=wish.token,
        )
        found = await self._calls.unary(self._stub.ListDocuments, request, self._timeout_s)
        items = tuple(_document(one) for one in found.documents)
        return Page(items, found.next_page_token or None)

    async def delete(self, document_id: str) -> None:
        request = documents.DeleteDocumentRequest(document_id=document_id)
        await self._calls.unary(self._stub.DeleteDocument, request, self._timeout_s)

    async def download(self, document_id: str) -> Download:
        return await self._download(document_id, documents.DOCUMENT_CONTENT_UNSPECIFIED)

    async def extracted_text(self, document_id: str) -> Download:
        return await self._download(document_id, documents.DOCUMENT_CONTENT_EXTRACTED_TEXT)

    async def _download(
        self, document_id: str, content: documents.DocumentContent.ValueType
    ) -> Download:
        request = documents.DownloadDocumentRequest(document_id=document_id, content=content)
        responses = self._calls.server_stream(
            self._stub.DownloadDocument, request, self._transfer_timeout_s
        )
        first = await anext(responses)
        return Download(_document(first.document), _data_of(responses))


async def _upload_requests(upload: Upload) -> AsyncIterator[documents.UploadDocumentRequest]:
    readers = None if upload.readers is None else audience_to_proto(upload.readers)
    header = documents.UploadHeader(
        knowledge_base_id=upload.knowledge_base_id,
        name=upload.name,
        readers=readers,
        upload_id=upload.id,
    )
    yield documents.UploadDocumentRequest(header=header)
    async for piece in upload.content:
        for start in range(0, len(piece), _PIECE_BYTES):
            yield documents.UploadDocumentRequest(data=piece[start : start + _PIECE_BYTES])


async def _data_of(
    responses: AsyncIterator[documents.DownloadDocumentResponse],
) -> AsyncIterator[bytes]:
    async for response in responses:
        yield response.data


def _knowledge_base(one: knowledge_bases.KnowledgeBase) -> KnowledgeBase:
    return KnowledgeBase(one.id, one.name, from_unix_ms(one.created_at_ms), one.document_count)


def _document(one: documents.Document) -> Document:
    has_failure = one.HasField("failure")
    return Document(
        id=one.id,
        knowledge_base_id=one.knowledge_base_id,
        name=one.name,
        media_type=one.media_type,
        size_bytes=one.size_bytes,
        sha256=one.sha256,
        version=one.version,
        state=_STATES[one.state],
        progress=Progress(one.progress.stage, one.progress.chunks_done, one.progress.chunks_total),
        failure=Failure(one.failure.code, one.failure.message) if has_failure else None,
        page_count=one.page_count,
        chunk_count=one.chunk_count,
        created_at=from_unix_ms(one.created_at_ms),
        updated_at=from_unix_ms(one.updated_at_ms),
    )
