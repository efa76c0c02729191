"""What goes into the passage index and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clientsphere_common.access.audience import EVERYONE, Audience, Reader


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of one version of a document."""

    document_id: str
    version: int
    """Counts from 1."""
    chunk_index: int
    """Counts from 0 within the version."""
    knowledge_base_id: str
    document_name: str
    text: str
    page: int
    """Counts from 1; 0 when the format has no pages."""
    heading_path: tuple[str, ...]
    """From the outermost heading to the innermost."""
    start: int
    end: int
    """Unicode code points in the document's extracted text: [start, end)."""


@dataclass(frozen=True, kw_only=True)
class IndexedChunk(Chunk):
    vector: Sequence[float]
    """float32; an `array("f")` over the embedder's bytes is the cheapest to hand over."""


@dataclass(frozen=True, kw_only=True)
class FoundPassage(Chunk):
    score: float
    """Orders the passages of one answer, means nothing else, and never leaves the services."""


@dataclass(frozen=True)
class Readers:
    """Who may find something, as of its `revision`, which counts up from 0 with every change."""

    audience: Audience = EVERYONE
    revision: int = 0


@dataclass(frozen=True)
class DocumentReaders:
    """Only somebody whom both admit may find a document's passages."""

    of_knowledge_base: Readers = Readers()
    of_document: Readers = Readers()


@dataclass(frozen=True, kw_only=True)
class HybridQuery:
    text: str
    vector: Sequence[float]
    limit: int
    reader: Reader
    knowledge_base_ids: tuple[str, ...] = ()
    """Empty: all of the tenant."""
