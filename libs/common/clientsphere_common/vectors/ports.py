"""What the services need from a passage index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientsphere_common.vectors.model import FoundPassage, HybridQuery, IndexedChunk


class PassageIndex(Protocol):
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

    async def activate(self, tenant_id: str, document_id: str, version: int) -> int:
        """Make this version the one that searches see, then remove all lower ones.

        Returns how many of its chunks are visible now. That is 0 when nothing was done because
        the version has no chunks, or when a higher version is visible already and this one was
        removed instead.
        """
        ...

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        """Remove every version. Chunks added afterwards count as new: the caller remembers."""
        ...

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None: ...

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        """The visible passages that fit best in words and meaning, best first.

        At most `query.limit`, and never from two versions of one document.
        """
        ...

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
