"""The collection, the same in every engine: names, states, indexes and numbers."""

from __future__ import annotations

from enum import Enum, StrEnum


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
    KNOWLEDGE_BASE_READERS = "knowledge_base_readers"
    KNOWLEDGE_BASE_READERS_REVISION = "knowledge_base_readers_revision"
    DOCUMENT_READERS = "document_readers"
    DOCUMENT_READERS_REVISION = "document_readers_revision"
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


class ReadersField(Enum):
    """The two places that say who may find a point; a search must be admitted by both.

    Each is told anew with a higher revision, so that the last word counts whenever it arrives.
    """

    OF_KNOWLEDGE_BASE = (Field.KNOWLEDGE_BASE_READERS, Field.KNOWLEDGE_BASE_READERS_REVISION)
    OF_DOCUMENT = (Field.DOCUMENT_READERS, Field.DOCUMENT_READERS_REVISION)

    def __init__(self, readers: Field, revision: Field) -> None:
        self.readers = readers
        self.revision = revision


UNTOLD = -1
"""The revision of a new point's readers, who are nobody."""
VERSIONS_END = 2**31
"""No version is as high: the end of a range that has none."""


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
    Field.KNOWLEDGE_BASE_READERS: FieldIndex.KEYWORD,
    Field.KNOWLEDGE_BASE_READERS_REVISION: FieldIndex.NUMBER,
    Field.DOCUMENT_READERS: FieldIndex.KEYWORD,
    Field.DOCUMENT_READERS_REVISION: FieldIndex.NUMBER,
}


class Tuning:
    """The numbers on which the order of passages depends."""

    CANDIDATES = 200
    """Of each of the two rankings, before they are fused."""
    RRF_K = 60
    """Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", SIGIR 2009."""
    RRF_WEIGHTS = (1.0, 1.001)
    """Of meaning and of words. Without the thousandth, two passages that hold the same rank in one
    ranking each would tie, and the engine orders ties anew at every call."""
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
