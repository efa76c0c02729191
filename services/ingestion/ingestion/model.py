"""The words of ingestion: knowledge bases, documents, their versions and the work on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clientsphere_common.access.audience import EVERYONE, Audience


class DocumentState(StrEnum):
    """Where a document's newest version stands."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Stage(StrEnum):
    """What a worker is doing, or did last, for a version."""

    QUEUED = "queued"
    PARSING = "parsing"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class KnowledgeBase:
    id: str
    name: str
    created_at_ms: int
    document_count: int


@dataclass(frozen=True)
class KnowledgeBaseAccess:
    readers: Audience = EVERYONE
    editors: Audience = EVERYONE
    """Who of those that may upload and delete may do so in it. They must be readers too."""


@dataclass(frozen=True)
class Progress:
    stage: Stage
    chunks_done: int
    chunks_total: int


@dataclass(frozen=True)
class Failure:
    code: str
    message: str


@dataclass(frozen=True)
class Document:
    """A document as its owner sees it: the newest version, and the counts of the readable one."""

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
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True)
class DocumentChoice:
    """Which documents somebody asks for; as it stands, all."""

    knowledge_base_id: str = ""
    """Empty: of any."""
    states: frozenset[DocumentState] = frozenset()
    """Empty: in any."""
    name_piece: str = ""
    """Stands somewhere in the name, A to Z in either case."""
    created_from_ms: int | None = None
    created_before_ms: int | None = None

    def words(self) -> tuple[str, ...]:
        """The choice as page tokens are bound to it."""
        times = (self.created_from_ms, self.created_before_ms)
        states = ",".join(sorted(self.states))
        return self.knowledge_base_id, states, self.name_piece, *map(str, times)


@dataclass(frozen=True)
class UploadTarget:
    """Where an upload goes; an empty knowledge base id means the caller's default one."""

    knowledge_base_id: str
    name: str
    readers: Audience | None = None
    """Of a new document, None: everyone. One that is there must have these, if they are given."""
    upload_id: str = ""
    """An upload under the id of one that was accepted is that one, sent again; empty: none."""


@dataclass(frozen=True)
class ReceivedFile:
    """An uploaded file that is stored but not yet anybody's."""

    object_key: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class UploadOutcome:
    document: Document
    is_new_version: bool
    is_repeated: bool = False
    """It was accepted before, with the bytes that came then."""


@dataclass(frozen=True)
class VersionKey:
    tenant_id: str
    document_id: str
    version: int


@dataclass(frozen=True)
class Job:
    """A version that a worker is to bring into the index."""

    key: VersionKey
    knowledge_base_id: str
    document_name: str
    object_key: str
    media_type: str
    starts: int
    """How often work on the version was begun, this time included."""


@dataclass(frozen=True)
class IndexedVersion:
    """What became of a job that went well."""

    page_count: int
    chunk_count: int
    text_key: str


@dataclass(frozen=True)
class Leftovers:
    """What a tombstoned document still has outside the tables."""

    document_id: str
    object_keys: tuple[str, ...]
