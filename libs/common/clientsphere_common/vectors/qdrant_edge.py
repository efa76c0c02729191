"""The passage index of the embedded shape: the Qdrant engine, run by the product itself."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.edge.engine import ShardEngine
from clientsphere_common.vectors.edge.folder import IndexFolder
from clientsphere_common.vectors.edge.process import ShardFailedError
from clientsphere_common.vectors.edge.shard import PassageShard
from clientsphere_common.vectors.edge.upkeep import IndexUpkeep, UpkeepSettings
from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)
from clientsphere_common.vectors.schema import ReadersField
from clientsphere_common.vectors.tenant_filter import Tenant, held, stored

T = TypeVar("T")

_CHUNKS_PER_CALL = 64
"""About 5 ms of the engine's time: how long a search may have to wait for its turn."""


class QdrantEdgeIndex:
    """Keeps a PassageIndex in `folder`, which belongs to one process at a time.

    What a call reported as done survives a kill of the process; activations, removals and
    readers survive a power cut too.
    """

    name = "passage index"

    def __init__(
        self,
        folder: Path,
        dimension: int,
        *,
        call_timeout_s: float = 30.0,
        lock_wait_s: float = 5.0,
        upkeep: UpkeepSettings | None = None,
    ) -> None:
        self._dimension = dimension
        self._call_timeout_s = call_timeout_s
        self._engine = ShardEngine(IndexFolder(folder, lock_wait_s), dimension)
        self._upkeep = IndexUpkeep(self._engine, upkeep or UpkeepSettings())

    async def start(self) -> None:
        """Raises IndexFolderError when the folder is in use or holds vectors of another size."""
        await self._engine.start()
        self._upkeep.start()

    async def stop(self) -> None:
        await self._upkeep.stop()
        await self._engine.stop()

    async def watch(self) -> None:
        await self._upkeep.watch()

    async def check(self) -> None:
        """Raise DependencyUnavailableError when the engine does not answer."""
        await self._answer(self._engine.read(PassageShard.backlog))

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        tenant = Tenant(tenant_id)
        packed = [replace(chunk, vector=self._pack(chunk.vector)) for chunk in chunks]
        for start in range(0, len(packed), _CHUNKS_PER_CALL):
            piece = packed[start : start + _CHUNKS_PER_CALL]
            await self._answer(self._engine.write(PassageShard.add, tenant, piece))

    async def activate(
        self, tenant_id: str, document_id: str, version: int, readers: DocumentReaders
    ) -> int:
        tenant = Tenant(tenant_id)
        return await self._answer(
            self._engine.write(PassageShard.activate, tenant, document_id, version, readers)
        )

    async def set_knowledge_base_readers(
        self, tenant_id: str, knowledge_base_id: str, readers: Readers
    ) -> None:
        told = held(Tenant(tenant_id), knowledge_base_id)
        place = ReadersField.OF_KNOWLEDGE_BASE
        await self._answer(self._engine.write(PassageShard.set_readers, told, place, readers))

    async def set_document_readers(
        self, tenant_id: str, document_id: str, readers: Readers
    ) -> None:
        told = stored(Tenant(tenant_id), document_id)
        place = ReadersField.OF_DOCUMENT
        await self._answer(self._engine.write(PassageShard.set_readers, told, place, readers))

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        doomed = stored(Tenant(tenant_id), document_id)
        await self._answer(self._engine.write(PassageShard.remove, doomed))

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None:
        doomed = stored(Tenant(tenant_id), document_id, range(version, version + 1))
        await self._answer(self._engine.write(PassageShard.remove, doomed))

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        tenant = Tenant(tenant_id)
        packed = replace(query, vector=self._pack(query.vector))
        return await self._answer(self._engine.read(PassageShard.search, tenant, packed))

    async def count(
        self,
        tenant_id: str,
        document_id: str | None = None,
        version: int | None = None,
        *,
        active_only: bool = False,
    ) -> int:
        versions = None if version is None else range(version, version + 1)
        counted = stored(Tenant(tenant_id), document_id, versions, visible_only=active_only)
        return await self._answer(self._engine.read(PassageShard.count, counted))

    def _pack(self, vector: Sequence[float]) -> array[float]:
        if len(vector) != self._dimension:
            raise ValueError(f"the vector has {len(vector)} numbers, not {self._dimension}")
        return array("f", vector)

    async def _answer(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await call
        except (ShardFailedError, TimeoutError) as error:
            raise DependencyUnavailableError(
                "index_unavailable", "The search index did not answer. Please try again."
            ) from error
