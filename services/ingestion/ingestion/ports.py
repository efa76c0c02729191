"""What ingestion needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clientsphere_common.access.audience import Audience
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import DocumentReaders, Readers
from clientsphere_common.versions import Precondition
from ingestion.model import (
    Document,
    DocumentChoice,
    DocumentState,
    Failure,
    IndexedVersion,
    Job,
    KnowledgeBase,
    KnowledgeBaseAccess,
    Leftovers,
    ReceivedFile,
    Stage,
    UploadOutcome,
    UploadTarget,
    VersionKey,
)
from ingestion.parsing.model import ParsedDocument


class KnowledgeBases(Protocol):
    """What a caller does not see, of other tenants or of its own, is not there for it."""

    async def create(
        self, caller: Caller, name: str, access: KnowledgeBaseAccess, new_id: str
    ) -> KnowledgeBase:
        """One that has the id already is returned: it was asked for twice.

        Raises ConflictError when the caller sees another one of this name, NotFoundError when it
        does not see the one of this id.
        """
        ...

    async def ensure_default(self, caller: Caller) -> str:
        """The id of the oldest one named `default`, created when the caller sees none."""
        ...

    async def get(self, caller: Caller, knowledge_base_id: str) -> KnowledgeBase:
        """Raises NotFoundError."""
        ...

    async def require_editor(self, caller: Caller, knowledge_base_id: str) -> None:
        """Raises NotFoundError, PermissionDeniedError for a reader who may not edit it."""
        ...

    async def page(self, caller: Caller, wish: PageWish) -> Page[KnowledgeBase]:
        """Oldest first. Raises InvalidInputError for a token that was not handed out."""
        ...

    async def delete(self, caller: Caller, knowledge_base_id: str) -> list[str]:
        """Tombstone it with all its documents, whose ids are returned.

        Raises NotFoundError, PermissionDeniedError.
        """
        ...


class Documents(Protocol):
    """What a caller does not see, of other tenants or of its own, is not there for it."""

    async def accept(
        self, caller: Caller, target: UploadTarget, file: ReceivedFile
    ) -> UploadOutcome:
        """Make `file` the newest version and queue it, unless the newest has the same bytes.

        Does nothing either when the upload was accepted before under its id.

        The row and the event that starts the work become durable together. Raises NotFoundError
        and PermissionDeniedError for the knowledge base, ConflictError for other readers.
        """
        ...

    async def get(self, caller: Caller, document_id: str) -> Document:
        """Raises NotFoundError."""
        ...

    async def page(self, caller: Caller, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        """Newest first. Raises InvalidInputError for a token that was not handed out."""
        ...

    async def object_key(self, caller: Caller, document_id: str) -> str:
        """Of the newest version's bytes. Raises NotFoundError."""
        ...

    async def text_key(self, caller: Caller, document_id: str) -> str:
        """Of the readable version's extracted text. Raises NotFoundError before there is one."""
        ...

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Tombstone it and queue the removal of what it left.

        Raises NotFoundError, PermissionDeniedError.
        """
        ...


class AccessRules(Protocol):
    """Who may read and edit what. What a caller does not see is not found."""

    async def of_knowledge_base(
        self, caller: Caller, knowledge_base_id: str
    ) -> KnowledgeBaseAccess: ...

    async def of_document(self, caller: Caller, document_id: str) -> Audience: ...

    async def set_of_knowledge_base(
        self,
        caller: Caller,
        knowledge_base_id: str,
        access: KnowledgeBaseAccess,
        only_if: Precondition,
    ) -> None:
        """Durable on return, with the event that has the index told.

        Raises PreconditionFailedError.
        """
        ...

    async def set_of_document(
        self, caller: Caller, document_id: str, readers: Audience, only_if: Precondition
    ) -> None:
        """As `set_of_knowledge_base`."""
        ...

    async def readers_of_knowledge_base(
        self, tenant_id: str, knowledge_base_id: str
    ) -> Readers | None:
        """Those of now, for the index; None when it was deleted."""
        ...

    async def readers_of_document(self, tenant_id: str, document_id: str) -> Readers | None: ...


class JobLedger(Protocol):
    """The state of the work on versions, as the workers keep it."""

    async def begin(self, key: VersionKey) -> Job | None:
        """Count a start and hand out the job; None when it is done, deleted or superseded."""
        ...

    async def release(self, key: VersionKey) -> None:
        """Take back the start that `begin` counted: the work failed through no fault of its own."""
        ...

    async def progress(
        self, key: VersionKey, stage: Stage, chunks_done: int, chunks_total: int
    ) -> None: ...

    async def readers(self, key: VersionKey) -> DocumentReaders | None:
        """Who may find the document, as of now; None when it was deleted."""
        ...

    async def finish(self, key: VersionKey, indexed: IndexedVersion) -> DocumentState | None:
        """Make the version the readable one, unless another worker has ended the job before.

        Returns what became of the version; None when the document was deleted meanwhile.
        """
        ...

    async def fail(self, key: VersionKey, failure: Failure) -> None:
        """Give the version up, unless another worker has ended the job before."""
        ...

    async def has_failed(self, key: VersionKey) -> bool: ...

    async def leftovers(self, tenant_id: str, document_id: str) -> Leftovers | None:
        """What a tombstoned document still has; None when it is not tombstoned or gone."""
        ...

    async def purge(self, tenant_id: str, document_id: str) -> None:
        """Remove the rows of a tombstoned document."""
        ...

    async def is_referenced(self, object_key: str) -> bool:
        """Whether any version of any tenant still needs the object."""
        ...


class Embedder(Protocol):
    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One float32 vector of unit length for each text, in their order.

        Raises DependencyUnavailableError when trying again later makes sense.
        """
        ...


class Parser(Protocol):
    async def parse(self, path: Path, media_type: str) -> ParsedDocument:
        """Raises ParseError, with a message for the document's owner, when it cannot be read."""
        ...
