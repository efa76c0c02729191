"""What the services need from a passage index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)


class PassageSource(Protocol):
    """What a search needs of a passage index."""

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        """The visible passages of the query's reader that fit best in words and meaning.

        Best first, at most `query.limit`, and never from two versions of one document.
        """
        ...


class PassageIndex(PassageSource, Protocol):
    """Chunks of documents, kept apart by tenant.

    An empty tenant id raises ValueError in every method; so does a vector of another dimension
    than the index has. When the engine does not answer, DependencyUnavailableError, and when the
    request in hand has no more time, DeadlineExceededError: the call may or may not have had its
    effect, and every call can be repeated.
    """

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        """Store `chunks`, invisible to searches until their version is activated.

        A chunk that is already there stays as it is, visible or not: to index a version
        differently, remove it first.
        """
        ...

    async def activate(
        self, tenant_id: str, document_id: str, version: int, readers: DocumentReaders
    ) -> int:
        """Make this version the one that searches of `readers` see, then remove all lower ones.

        `readers` are those after the last `add`; where later ones have been set, those stay.

        Returns how many of its chunks are visible now. That is 0 when nothing was done because
        the version has no chunks, or when a higher version is visible already and this one was
        removed instead.
        """
        ...

    async def set_knowledge_base_readers(
        self, tenant_id: str, knowledge_base_id: str, readers: Readers
    ) -> None:
        """Have only `readers` find its chunks that are there, visible or not.

        No search that starts after the return shows them to somebody else. Where readers of the
        same revision or of a later one have been set, those stay: the order of calls means nothing.
        """
        ...

    async def set_document_readers(
        self, tenant_id: str, document_id: str, readers: Readers
    ) -> None:
        """The same for all versions of a document; its knowledge base must admit them too."""
        ...

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        """Remove every version. Chunks added afterwards count as new: the caller remembers."""
        ...

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None: ...

    async def count(
        self,
        tenant_id: str,
        document_id: str | None = None,
        version: int | None = None,
        *,
        active_only: bool = False,
    ) -> int:
        """How many chunks there are, exactly."""
        ...
