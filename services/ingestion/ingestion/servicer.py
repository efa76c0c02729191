"""clientsphere.ingestion.v1.IngestionService on the wire ⇄ the domain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from clientsphere.ingestion.v1 import document_pb2 as documents
from clientsphere.ingestion.v1 import knowledge_base_pb2 as knowledge_bases
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.paging import page_wish
from clientsphere_common.request import current_caller
from ingestion.access.care import AccessCare
from ingestion.access.servicer import AccessServicer, access_from_proto, audience_from_proto
from ingestion.documents import DocumentCare
from ingestion.knowledge_bases import KnowledgeBaseCare
from ingestion.model import (
    Document,
    DocumentChoice,
    DocumentState,
    KnowledgeBase,
    UploadTarget,
)
from ingestion.upload import DocumentUpload

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]

_STATES = {
    DocumentState.QUEUED: documents.DOCUMENT_STATE_QUEUED,
    DocumentState.PROCESSING: documents.DOCUMENT_STATE_PROCESSING,
    DocumentState.READY: documents.DOCUMENT_STATE_READY,
    DocumentState.FAILED: documents.DOCUMENT_STATE_FAILED,
}
_OF_PROTO = {number: state for state, number in _STATES.items()}


class IngestionServicer(AccessServicer):
    """Every call is for the tenant of its verified caller."""

    def __init__(
        self,
        knowledge_base_care: KnowledgeBaseCare,
        document_care: DocumentCare,
        upload: DocumentUpload,
        access_care: AccessCare,
    ) -> None:
        super().__init__(access_care)
        self._knowledge_bases = knowledge_base_care
        self._documents = document_care
        self._upload = upload

    async def CreateKnowledgeBase(
        self, request: knowledge_bases.CreateKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.KnowledgeBase:
        access = access_from_proto(request.access)
        created = await self._knowledge_bases.create(
            current_caller(), request.name, access, request.new_id
        )
        return _knowledge_base_to_proto(created)

    async def GetKnowledgeBase(
        self, request: knowledge_bases.GetKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.KnowledgeBase:
        found = await self._knowledge_bases.get(
            current_caller(), request.knowledge_base_id, to_edit=request.to_edit
        )
        return _knowledge_base_to_proto(found)

    async def ListKnowledgeBases(
        self, request: knowledge_bases.ListKnowledgeBasesRequest, context: Context
    ) -> knowledge_bases.ListKnowledgeBasesResponse:
        wish = page_wish(request.page_size, request.page_token)
        page = await self._knowledge_bases.page(current_caller(), wish)
        return knowledge_bases.ListKnowledgeBasesResponse(
            knowledge_bases=[_knowledge_base_to_proto(one) for one in page.items],
            next_page_token=page.next_page_token or "",
        )

    async def DeleteKnowledgeBase(
        self, request: knowledge_bases.DeleteKnowledgeBaseRequest, context: Context
    ) -> knowledge_bases.DeleteKnowledgeBaseResponse:
        await self._knowledge_bases.delete(current_caller(), request.knowledge_base_id)
        return knowledge_bases.DeleteKnowledgeBaseResponse()

    async def UploadDocument(
        self, request_iterator: AsyncIterator[documents.UploadDocumentRequest], context: Context
    ) -> documents.UploadDocumentResponse:
        header = await _read_header(request_iterator)
        readers = audience_from_proto(header.readers) if header.HasField("readers") else None
        target = UploadTarget(header.knowledge_base_id, header.name, readers, header.upload_id)
        outcome = await self._upload.upload(current_caller(), target, _pieces(request_iterator))
        return documents.UploadDocumentResponse(
            document=_document_to_proto(outcome.document), is_new_version=outcome.is_new_version
        )

    async def GetDocument(
        self, request: documents.GetDocumentRequest, context: Context
    ) -> documents.Document:
        found = await self._documents.get(current_caller(), request.document_id)
        return _document_to_proto(found)

    async def ListDocuments(
        self, request: documents.ListDocumentsRequest, context: Context
    ) -> documents.ListDocumentsResponse:
        wish = page_wish(request.page_size, request.page_token)
        page = await self._documents.page(current_caller(), _choice_from_proto(request), wish)
        return documents.ListDocumentsResponse(
            documents=[_document_to_proto(one) for one in page.items],
            next_page_token=page.next_page_token or "",
        )

    async def DeleteDocument(
        self, request: documents.DeleteDocumentRequest, context: Context
    ) -> documents.DeleteDocumentResponse:
        await self._documents.delete(current_caller(), request.document_id)
        return documents.DeleteDocumentResponse()

    async def DownloadDocument(
        self, request: documents.DownloadDocumentRequest, context: Context
    ) -> AsyncIterator[documents.DownloadDocumentResponse]:
        read = (
            self._documents.extracted_text
            if request.content == documents.DOCUMENT_CONTENT_EXTRACTED_TEXT
            else self._documents.original
        )
        document, data = await read(current_caller(), request.document_id)
        # Before anything is sent: a file that cannot be read is a failure, not a broken answer.
        first = await anext(data, b"")
        yield documents.DownloadDocumentResponse(document=_document_to_proto(document))
        yield documents.DownloadDocumentResponse(data=first)
        async for piece in data:
            yield documents.DownloadDocumentResponse(data=piece)


async def _read_header(
    requests: AsyncIterator[documents.UploadDocumentRequest],
) -> documents.UploadHeader:
    async for request in requests:
        if request.HasField("header"):
            return request.header
        break
    raise InvalidInputError("upload_header_missing", "An upload begins with its header.")


async def _pieces(requests: AsyncIterator[documents.UploadDocumentRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.data


def _choice_from_proto(request: documents.ListDocumentsRequest) -> DocumentChoice:
    if not _OF_PROTO.keys() >= set(request.states):
        raise InvalidInputError("invalid_filter", "There is no such state of a document.")
    has_start, has_end = request.HasField("created_from_ms"), request.HasField("created_before_ms")
    return DocumentChoice(
        knowledge_base_id=request.knowledge_base_id,
        states=frozenset(_OF_PROTO[number] for number in request.states),
        name_piece=request.name_piece,
        created_from_ms=request.created_from_ms if has_start else None,
        created_before_ms=request.created_before_ms if has_end else None,
    )


def _knowledge_base_to_proto(one: KnowledgeBase) -> knowledge_bases.KnowledgeBase:
    return knowledge_bases.KnowledgeBase(
        id=one.id,
        name=one.name,
        created_at_ms=one.created_at_ms,
        document_count=one.document_count,
    )


def _document_to_proto(one: Document) -> documents.Document:
    failure = None
    if one.failure is not None:
        failure = documents.Failure(code=one.failure.code, message=one.failure.message)
    return documents.Document(
        id=one.id,
        knowledge_base_id=one.knowledge_base_id,
        name=one.name,
        media_type=one.media_type,
        size_bytes=one.size_bytes,
        sha256=one.sha256,
        version=one.version,
        state=_STATES[one.state],
        progress=documents.Progress(
            stage=one.progress.stage,
            chunks_done=one.progress.chunks_done,
            chunks_total=one.progress.chunks_total,
        ),
        failure=failure,
        page_count=one.page_count,
        chunk_count=one.chunk_count,
        created_at_ms=one.created_at_ms,
        updated_at_ms=one.updated_at_ms,
    )
