"""The other services as real gRPC servicers with made-up answers, for the gateway's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from clientsphere.audit.v1 import audit_service_pb2 as audit
from clientsphere.audit.v1 import audit_service_pb2_grpc
from clientsphere.events.v1 import audit_pb2
from clientsphere.ingestion.v1 import access_pb2 as access
from clientsphere.ingestion.v1 import document_pb2 as documents
from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere.ingestion.v1 import knowledge_base_pb2 as knowledge_bases
from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere.llm.v1 import llm_service_pb2_grpc
from clientsphere.retrieval.v1 import retrieval_service_pb2 as retrieval
from clientsphere.retrieval.v1 import retrieval_service_pb2_grpc
from clientsphere_common.errors import NotFoundError, UnsupportedTypeError
from clientsphere_common.request import current_caller

AT_MS = 1_795_340_000_125
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
            knowledge_bases=[knowledge_bases.KnowledgeBase(id=id_) for id_ in ("kb_1", "kb_2")],
            next_page_token="" if request.page_token else "more",
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

    async def GetKnowledgeBaseAccess(
        self, request: access.GetKnowledgeBaseAccessRequest, context: Context
    ) -> access.KnowledgeBaseAccess:
        self._see(request)
        return access.KnowledgeBaseAccess(
            readers=access.Audience(groups=["hr"], principals=["key_1"]),
            editors=access.Audience(everyone=True),
        )

    async def SetKnowledgeBaseAccess(
        self, request: access.SetKnowledgeBaseAccessRequest, context: Context
    ) -> access.KnowledgeBaseAccess:
        self._see(request)
        return request.access

    async def GetDocumentAccess(
        self, request: access.GetDocumentAccessRequest, context: Context
    ) -> access.DocumentAccess:
        self._see(request)
        return access.DocumentAccess(readers=access.Audience(everyone=True))

    async def SetDocumentAccess(
        self, request: access.SetDocumentAccessRequest, context: Context
    ) -> access.DocumentAccess:
        self._see(request)
        return request.access

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

    async def Embed(self, request: llm.EmbedRequest, context: Context) -> llm.EmbedResponse:
        raise NotImplementedError

    async def ListModels(
        self, request: llm.ListModelsRequest, context: Context
    ) -> llm.ListModelsResponse:
        raise NotImplementedError


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
        more = "" if request.page_token else "more"
        return audit.ListEventsResponse(events=[chained], next_page_token=more)

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
