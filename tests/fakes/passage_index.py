"""A passage index in memory that keeps the port's promises and ranks by shared words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from clientsphere_common.vectors.model import Chunk, FoundPassage, HybridQuery, IndexedChunk

_Place = tuple[str, str, int, int]


class FakePassageIndex:
    def __init__(self) -> None:
        self.chunks: dict[_Place, IndexedChunk] = {}
        self.visible: set[tuple[str, str, int]] = set()

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        for chunk in chunks:
            place = (tenant_id, chunk.document_id, chunk.version, chunk.chunk_index)
            self.chunks.setdefault(place, chunk)

    async def activate(self, tenant_id: str, document_id: str, version: int) -> int:
        document = (tenant_id, document_id)
        if any(place[:2] == document and place[2] > version for place in self.visible):
            await self.remove_version(tenant_id, document_id, version)
            return 0
        chunks = await self.count(tenant_id, document_id, version)
        if chunks:
            self.visible.add((*document, version))
            self._drop(lambda place: place[:2] == document and place[2] < version)
        return chunks

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

    def _drop(self, is_gone: Callable[[tuple[Any, ...]], bool]) -> None:
        self.chunks = {place: one for place, one in self.chunks.items() if not is_gone(place)}
        self.visible = {place for place in self.visible if not is_gone(place)}


def _to_passage(chunk: IndexedChunk, score: float) -> FoundPassage:
    facts = {field.name: getattr(chunk, field.name) for field in fields(Chunk)}
    return FoundPassage(**facts, score=score)
