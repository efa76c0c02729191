"""Knowledge bases and documents on the wire."""

from __future__ import annotations

from datetime import datetime

from gateway.api.schemas.access import AudienceWish, Everyone
from gateway.api.schemas.common import Example, Name, PageBody, RequestBody, ResponseBody, examples
from gateway.model.access import KnowledgeBaseAccess
from gateway.model.library import DocumentState

_KNOWLEDGE_BASE: Example = {
    "id": "kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b",
    "name": "handbooks",
    "created_at": "2026-11-22T09:31:07.004000Z",
    "document_count": 2,
}
_DOCUMENT: Example = {
    "id": "doc_9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
    "knowledge_base_id": "kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b",
    "name": "employee-handbook.pdf",
    "media_type": "application/pdf",
    "size_bytes": 184223,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "version": 1,
    "state": "ready",
    "progress": {"stage": "done", "chunks_done": 42, "chunks_total": 42},
    "failure": None,
    "page_count": 18,
    "chunk_count": 42,
    "created_at": "2026-11-22T09:32:00.500000Z",
    "updated_at": "2026-11-22T09:32:01.250000Z",
}


class NewKnowledgeBaseBody(RequestBody):
    model_config = examples(
        {"name": "handbooks"}, {"name": "salaries", "readers": {"groups": ["hr"]}}
    )

    name: Name
    readers: AudienceWish = Everyone(everyone=True)
    """Who may see it. You must be one of them, unless you may read everything."""
    editors: AudienceWish = Everyone(everyone=True)
    """Which of its readers may upload and delete in it, if their role lets them."""

    def to_access(self) -> KnowledgeBaseAccess:
        return KnowledgeBaseAccess(self.readers.to_audience(), self.editors.to_audience())


class KnowledgeBaseBody(ResponseBody):
    model_config = examples(_KNOWLEDGE_BASE)

    id: str
    name: str
    created_at: datetime
    document_count: int
    """Of those that you may see."""


class KnowledgeBaseList(PageBody[KnowledgeBaseBody]):
    model_config = examples({"items": [_KNOWLEDGE_BASE], "next_page_token": None})


class ProgressBody(ResponseBody):
    stage: str
    """`queued`, `parsing`, `embedding`, `indexing`, `done` or `failed`."""
    chunks_done: int
    chunks_total: int


class FailureBody(ResponseBody):
    code: str
    """Stable, such as `pdf_encrypted`."""
    message: str
    """What happened and what to do about it."""


class DocumentBody(ResponseBody):
    model_config = examples(_DOCUMENT)

    id: str
    knowledge_base_id: str
    name: str
    media_type: str
    """What its bytes are, not what the client said."""
    size_bytes: int
    sha256: str
    version: int
    """From 1; each upload of other bytes under the same name adds one."""
    state: DocumentState
    """`ready`: searchable."""
    progress: ProgressBody
    failure: FailureBody | None
    page_count: int
    chunk_count: int
    created_at: datetime
    updated_at: datetime


class DocumentList(PageBody[DocumentBody]):
    model_config = examples({"items": [_DOCUMENT], "next_page_token": None})
