"""Knowledge bases and the documents in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


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
    state: Literal["queued", "processing", "ready", "failed"]
    progress: Progress
    failure: Failure | None
    page_count: int | None
    """None or 0 for formats without pages."""
    chunk_count: int
    created_at: datetime
    updated_at: datetime

    @property
    def is_settled(self) -> bool:
        """Processing has come to its end, good or bad."""
        return self.state in ("ready", "failed")


@dataclass(frozen=True)
class DocumentFilters:
    """As the query of a request names them."""

    knowledge_base_id: str | None = None
    state: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class Received:
    """The server's receipt for an upload."""

    document: Document
    is_new: bool
    """False when the same bytes were there before: nothing is left to do."""
