"""Cuts a version into chunks, embeds them and adds them to the index, batch by batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from clientsphere_common.vectors.model import IndexedChunk
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.chunking import Chunk, ChunkingSettings, chunk
from ingestion.model import Job
from ingestion.parsing.model import ParsedDocument
from ingestion.ports import Embedder


class ChunkIndexing:
    def __init__(
        self,
        embedder: Embedder,
        index: PassageIndex,
        chunking: ChunkingSettings,
        chunks_per_batch: int,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._chunking = chunking
        self._chunks_per_batch = chunks_per_batch

    def cut(self, parsed: ParsedDocument) -> list[Chunk]:
        return chunk(parsed, self._chunking)

    async def add(self, job: Job, chunks: Sequence[Chunk]) -> AsyncIterator[int]:
        """Add all chunks, invisible until activated; yields how many are in after each batch."""
        for start in range(0, len(chunks), self._chunks_per_batch):
            batch = chunks[start : start + self._chunks_per_batch]
            vectors = await self._embedder.embed([_embedded_text(chunk) for chunk in batch])
            points = [_to_indexed(job, *pair) for pair in zip(batch, vectors, strict=True)]
            await self._index.add(job.key.tenant_id, points)
            yield start + len(batch)


def _embedded_text(chunk: Chunk) -> str:
    """The headings above a passage say what it is about when its own words do not."""
    return "\n".join((*chunk.heading_path, chunk.text))


def _to_indexed(job: Job, chunk: Chunk, vector: Sequence[float]) -> IndexedChunk:
    return IndexedChunk(
        document_id=job.key.document_id,
        version=job.key.version,
        chunk_index=chunk.index,
        knowledge_base_id=job.knowledge_base_id,
        document_name=job.document_name,
        text=chunk.text,
        page=chunk.page,
        heading_path=chunk.heading_path,
        start=chunk.start,
        end=chunk.end,
        vector=vector,
    )
