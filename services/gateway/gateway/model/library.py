"""Knowledge bases and documents, as the gateway shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clientsphere_common.access.audience import Audience

DocumentState = Literal["queued", "processing", "ready", "failed"]


@dataclass(frozen=True)
class KnowledgeBase:
    id: str
    name: str
    created_at: datetime
    document_count: int


@dataclass(frozen=True)
class Progress:
    stage: str
    chunks_done: int
    chunks_total: int


@dataclass(frozen=True)
class Failure:
    code: str
    message: str


@dataclass(frozen=True)
class Document:
    id: str
    knowledge_base_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    version: int
    state: DocumentState
    progress: Progress
    failure: Failure | None
    page_count: int
    chunk_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class DocumentChoice:
    """Which documents somebody asks for; as it stands, all."""

    knowledge_base_id: str = ""
    """Empty: of any."""
    states: frozenset[DocumentState] = frozenset()
    """Empty: in any."""
    name_piece: str = ""
    """Stands somewhere in the name, A to Z in either case."""
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True)
class Upload:
    """A file on its way in; `content` is read once, as it arrives."""

    knowledge_base_id: str
    """Empty: the tenant's default one."""
    name: str
    content: AsyncIterator[bytes]
    readers: Audience | None = None
    """Of a new document; None: every reader of the knowledge base."""
    id: str = ""
    """An upload with the id of one before is that one, sent again."""


@dataclass(frozen=True)
class Download:
    document: Document
    content: AsyncIterator[bytes]
