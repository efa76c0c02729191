"""A passage index in memory that keeps the port's promises and ranks by shared words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from clientsphere_common.access.audience import Audience, Reader
from clientsphere_common.vectors.model import (
    Chunk,
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)

_Place = tuple[str, str, int, int]
_UNTOLD = Readers(Audience(frozenset()), -1)


class FakePassageIndex:
    def __init__(self) -> None:
        self.chunks: dict[_Place, IndexedChunk] = {}
        self.visible: set[tuple[str, str, int]] = set()
        self.readers: dict[_Place, DocumentReaders] = {}

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        for chunk in chunks:
            place = (tenant_id, chunk.document_id, chunk.version, chunk.chunk_index)
            self.chunks.setdefault(place, chunk)
            self.readers.setdefault(place, DocumentReaders(_UNTOLD, _UNTOLD))

    async def activate(
        self, tenant_id: str, document_id: str, version: int, readers: DocumentReaders
    ) -> int:
        document = (tenant_id, document_id)
        if any(place[:2] == document and place[2] > version for place in self.visible):
            await self.remove_version(tenant_id, document_id, version)
            return 0
        chunks = await self.count(tenant_id, document_id, version)
        if chunks:
            self._tell(lambda place, _: place[:3] == (*document, version), readers)
            self.visible.add((*document, version))
            self._drop(lambda place: place[:2] == document and place[2] < version)
        return chunks

    async def set_knowledge_base_readers(
        self, tenant_id: str, knowledge_base_id: str, readers: Readers
    ) -> None:
        self._tell(
            lambda place, chunk: (
                (place[0], chunk.knowledge_base_id) == (tenant_id, knowledge_base_id)
            ),
            DocumentReaders(of_knowledge_base=readers, of_document=_UNTOLD),
        )

    async def set_document_readers(
        self, tenant_id: str, document_id: str, readers: Readers
    ) -> None:
        self._tell(
            lambda place, _: place[:2] == (tenant_id, document_id),
            DocumentReaders(of_knowledge_base=_UNTOLD, of_document=readers),
        )

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        self._drop(lambda p: p[:2] == (tenant_id, document_id))

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None:
        self._drop(lambda p: p[:3] == (tenant_id, document_id, version))

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        words = set(query.text.lower().split())
        found = [
            _to_passage(chunk, len(words & set(chunk.text.lower().split())))
            for place, chunk in self.chunks.items()
            if place[0] == tenant_id
            and place[:3] in self.visible
            and _admit(self.readers[place], query.reader)
            and (
                not query.knowledge_base_ids or chunk.knowledge_base_id in query.knowledge_base_ids
            )
        ]
        return sorted(found, key=lambda passage: -passage.score)[: query.limit]

    async def count(
        self,
        tenant_id: str,
        document_id: str | None = None,
        version: int | None = None,
        *,
        active_only: bool = False,
    ) -> int:
        return sum(
            place[0] == tenant_id
            and document_id in {None, place[1]}
            and version in {None, place[2]}
            and (not active_only or place[:3] in self.visible)
            for place in self.chunks
        )

    def _tell(
        self, is_told: Callable[[_Place, IndexedChunk], bool], readers: DocumentReaders
    ) -> None:
        for place, chunk in self.chunks.items():
            if is_told(place, chunk):
                before = self.readers[place]
                self.readers[place] = DocumentReaders(
                    max(before.of_knowledge_base, readers.of_knowledge_base, key=_revision),
                    max(before.of_document, readers.of_document, key=_revision),
                )

    def _drop(self, is_gone: Callable[[tuple[Any, ...]], bool]) -> None:
        self.chunks = {place: one for place, one in self.chunks.items() if not is_gone(place)}
        self.visible = {place for place in self.visible if not is_gone(place)}
        self.readers = {place: self.readers[place] for place in self.chunks}


def _to_passage(chunk: IndexedChunk, score: float) -> FoundPassage:
    facts = {field.name: getattr(chunk, field.name) for field in fields(Chunk)}
    return FoundPassage(**facts, score=score)


def _admit(readers: DocumentReaders, reader: Reader) -> bool:
    both = (readers.of_knowledge_base, readers.of_document)
    return reader.reads_all or not any(
        one.audience.identities.isdisjoint(reader.identities) for one in both
    )


def _revision(readers: Readers) -> int:
    return readers.revision
