"""The collection, the same in every engine: names, numbers, point ids and payloads."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum
from typing import Any

from clientsphere_common.vectors.model import Chunk, FoundPassage

_POINTS = uuid.UUID("0b9c6f5e-52c5-5d0e-8f5e-3d7c1a6f2b90")


class VectorName(StrEnum):
    DENSE = "dense"
    BM25 = "bm25"


class Field(StrEnum):
    """The names of a point's payload."""

    TENANT_ID = "tenant_id"
    KNOWLEDGE_BASE_ID = "knowledge_base_id"
    DOCUMENT_ID = "document_id"
    VERSION = "version"
    STATE = "state"
    CHUNK_INDEX = "chunk_index"
    DOCUMENT_NAME = "document_name"
    TEXT = "text"
    PAGE = "page"
    HEADING_PATH = "heading_path"
    START = "start"
    END = "end"


class State(StrEnum):
    """A word, not a truth value: the embedded engine matches `True` as the number 1."""

    STAGED = "staged"
    VISIBLE = "visible"


class FieldIndex(Enum):
    TENANT = "keyword, and the points of one value lie together"
    KEYWORD = "keyword"
    NUMBER = "integer, by range"


FIELD_INDEXES = {
    Field.TENANT_ID: FieldIndex.TENANT,
    Field.KNOWLEDGE_BASE_ID: FieldIndex.KEYWORD,
    Field.DOCUMENT_ID: FieldIndex.KEYWORD,
    Field.VERSION: FieldIndex.NUMBER,
    Field.STATE: FieldIndex.KEYWORD,
}


class Tuning:
    """The numbers on which the order of passages depends."""

    CANDIDATES = 200
    """Of each of the two rankings, before they are fused."""
    RRF_K = 60
    """Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", SIGIR 2009."""
    BM25_K = 1.2
    BM25_B = 0.75
    BM25_AVERAGE_TOKENS = 256.0
    BM25_LANGUAGE = "english"
    HNSW_M = 0
    """No graph over all tenants: each has its own, so one never slows or skews another's search."""
    HNSW_TENANT_M = 16
    HNSW_EF_CONSTRUCT = 100
    HNSW_SCAN_BELOW_KB = 10_000
    """Fewer vectors than this are compared one by one: exact, and faster than a graph."""


def point_id(tenant_id: str, chunk: Chunk) -> str:
    """The same for the same chunk, always; never the same for two tenants."""
    parts = (tenant_id, chunk.document_id, str(chunk.version), str(chunk.chunk_index))
    return str(uuid.uuid5(_POINTS, "\0".join(parts)))


def searchable_text(chunk: Chunk) -> str:
    """What BM25 sees: the headings name the subject that the text under them takes for granted."""
    return "\n".join((*chunk.heading_path, chunk.text))


def to_payload(tenant_id: str, chunk: Chunk) -> dict[str, Any]:
    """What a new point carries: all of the chunk but its vector, not yet visible."""
    return {
        Field.TENANT_ID: tenant_id,
        Field.KNOWLEDGE_BASE_ID: chunk.knowledge_base_id,
        Field.DOCUMENT_ID: chunk.document_id,
        Field.VERSION: chunk.version,
        Field.STATE: State.STAGED,
        Field.CHUNK_INDEX: chunk.chunk_index,
        Field.DOCUMENT_NAME: chunk.document_name,
        Field.TEXT: chunk.text,
        Field.PAGE: chunk.page,
        Field.HEADING_PATH: list(chunk.heading_path),
        Field.START: chunk.start,
        Field.END: chunk.end,
    }


def to_passage(payload: Mapping[str, Any], score: float) -> FoundPassage:
    return FoundPassage(
        document_id=payload[Field.DOCUMENT_ID],
        version=payload[Field.VERSION],
        chunk_index=payload[Field.CHUNK_INDEX],
        knowledge_base_id=payload[Field.KNOWLEDGE_BASE_ID],
        document_name=payload[Field.DOCUMENT_NAME],
        text=payload[Field.TEXT],
        page=payload[Field.PAGE],
        heading_path=tuple(payload[Field.HEADING_PATH]),
        start=payload[Field.START],
        end=payload[Field.END],
        score=score,
    )


def latest_versions(passages: Iterable[FoundPassage]) -> list[FoundPassage]:
    """`passages` without those of a version that a higher one of the same document outdates.

    Two versions are visible between the two steps of an activation, and after a crash there.
    """
    found = list(passages)
    latest: dict[str, int] = {}
    for passage in found:
        latest[passage.document_id] = max(passage.version, latest.get(passage.document_id, 0))
    return [passage for passage in found if passage.version == latest[passage.document_id]]
