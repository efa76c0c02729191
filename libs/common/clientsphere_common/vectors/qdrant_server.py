"""The passage index of the distributed shape: a Qdrant server or cluster, called over gRPC."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import grpc
import structlog
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.bm25 import open_bm25
from clientsphere_common.vectors.model import FoundPassage, HybridQuery, IndexedChunk
from clientsphere_common.vectors.points import latest_versions, to_passage
from clientsphere_common.vectors.remote.collection import IndexSchemaError, ensure_collection
from clientsphere_common.vectors.remote.settings import QdrantSettings
from clientsphere_common.vectors.remote.translation import (
    FUSION,
    to_filter,
    to_point,
    to_rankings,
)
from clientsphere_common.vectors.schema import VERSIONS_END, Field, State
from clientsphere_common.vectors.tenant_filter import Conditions, Tenant, searchable, stored

log = structlog.get_logger(__name__)

_CHUNKS_PER_CALL = 64
_GRPC_PORT = 6334
_CHANNEL_OPTIONS = {
    # The library's own way is to wait up to two minutes for a server that has long been back.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2000,
    # A peer that is gone without a word is noticed while a call waits for it.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
}
_ORDERING = models.WriteOrdering.MEDIUM
"""Each replica evaluates a filter by itself: only writes in one order leave all of them alike."""


class QdrantServerIndex:
    """Keeps a PassageIndex in a collection that any number of processes may share.

    It can start before the server does: the first call that reaches it makes the collection. One
    that vanishes afterwards is not made anew, because an empty index would answer everything with
    nothing.
    """

    name = "passage index"

    def __init__(self, settings: QdrantSettings, dimension: int) -> None:
        self._settings = settings
        self._dimension = dimension
        self._bm25 = open_bm25()
        self._making = asyncio.Lock()
        self._is_made = False

    async def start(self) -> None:
        """Raises IndexSchemaError when the server or its collection does not fit."""
        self._client = _open_client(self._settings)
        try:
            await self.check()
        except DependencyUnavailableError as error:
            log.warning("index_unavailable_at_start", error=_reason(error.__cause__))
        except IndexSchemaError:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self._client.close()

    async def check(self) -> None:
        """Raise DependencyUnavailableError when the server does not answer for the collection."""
        async with self._server(self._settings.read_timeout_s) as client:
            await client.get_collection(self._settings.collection)

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        tenant = Tenant(tenant_id)
        for chunk in chunks:
            self._require_dimension(chunk.vector)
        for start in range(0, len(chunks), _CHUNKS_PER_CALL):
            piece = chunks[start : start + _CHUNKS_PER_CALL]
            async with self._server(self._settings.write_timeout_s) as client:
                await client.upsert(
                    self._settings.collection,
                    [to_point(tenant, chunk, self._bm25) for chunk in piece],
                    update_mode=models.UpdateMode.INSERT_ONLY,
                    ordering=_ORDERING,
                    wait=True,
                )

    async def activate(self, tenant_id: str, document_id: str, version: int) -> int:
        tenant = Tenant(tenant_id)
        chosen = stored(tenant, document_id, range(version, version + 1))
        newer = range(version + 1, VERSIONS_END)
        if await self._count(stored(tenant, document_id, newer, visible_only=True)):
            await self._remove(chosen)
            return 0
        await self._show(chosen)
        # Counted afterwards: another process may have removed the version in between.
        visible = await self.count(tenant_id, document_id, version, active_only=True)
        if visible:
            await self._remove(stored(tenant, document_id, range(version)))
        return visible

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        await self._remove(stored(Tenant(tenant_id), document_id))

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None:
        await self._remove(stored(Tenant(tenant_id), document_id, range(version, version + 1)))

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        tenant = Tenant(tenant_id)
        self._require_dimension(query.vector)
        settings = self._settings
        allowed = to_filter(searchable(tenant, query.knowledge_base_ids))
        async with self._server(settings.read_timeout_s) as client:
            found = await client.query_points(
                settings.collection,
                query=FUSION,
                prefetch=to_rankings(query, allowed, self._bm25, settings.quantization),
                query_filter=allowed,
                limit=query.limit,
                with_payload=True,
                timeout=math.ceil(settings.read_timeout_s),
            )
        passages = [to_passage(point.payload or {}, point.score) for point in found.points]
        return latest_versions(passages)

    async def count(
        self,
        tenant_id: str,
        document_id: str | None = None,
        version: int | None = None,
        *,
        active_only: bool = False,
    ) -> int:
        versions = None if version is None else range(version, version + 1)
        return await self._count(
            stored(Tenant(tenant_id), document_id, versions, visible_only=active_only)
        )

    async def snapshot(self) -> str:
        """The name of a new snapshot of the whole collection, kept by the server."""
        async with self._server(self._settings.snapshot_timeout_s) as client:
            made = await client.create_snapshot(self._settings.collection)
        if made is None:
            raise _unavailable()
        return made.name

    async def _count(self, conditions: Conditions) -> int:
        timeout_s = self._settings.read_timeout_s
        async with self._server(timeout_s) as client:
            counted = await client.count(
                self._settings.collection,
                to_filter(conditions),
                exact=True,
                timeout=math.ceil(timeout_s),
            )
        return counted.count

    async def _show(self, conditions: Conditions) -> None:
        async with self._server(self._settings.write_timeout_s) as client:
            await client.set_payload(
                self._settings.collection,
                {Field.STATE: State.VISIBLE},
                to_filter(conditions),
                ordering=_ORDERING,
                wait=True,
            )

    async def _remove(self, conditions: Conditions) -> None:
        async with self._server(self._settings.write_timeout_s) as client:
            await client.delete(
                self._settings.collection, to_filter(conditions), ordering=_ORDERING, wait=True
            )

    def _require_dimension(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimension:
            raise ValueError(f"the vector has {len(vector)} numbers, not {self._dimension}")

    @asynccontextmanager
    async def _server(self, timeout_s: float) -> AsyncIterator[AsyncQdrantClient]:
        """The client, once the collection is there; what it raises, in our words."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._make_collection()
                yield self._client
        except (grpc.aio.AioRpcError, QdrantException, TimeoutError) as error:
            raise _unavailable() from error

    async def _make_collection(self) -> None:
        if self._is_made:
            return
        async with self._making:
            if not self._is_made:
                await ensure_collection(self._client, self._settings, self._dimension)
                self._is_made = True


def _open_client(settings: QdrantSettings) -> AsyncQdrantClient:
    address = urlsplit(settings.url)
    return AsyncQdrantClient(
        host=address.hostname,
        grpc_port=address.port or _GRPC_PORT,
        https=address.scheme == "https",
        api_key=settings.api_key or None,
        prefer_grpc=True,
        grpc_options=dict(_CHANNEL_OPTIONS),
        # The longest of any call; each has a shorter one of its own.
        timeout=math.ceil(settings.snapshot_timeout_s),
        # It asks over HTTP, which may not be open, and only warns.
        check_compatibility=False,
    )


def _reason(error: BaseException | None) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return repr(error)


def _unavailable() -> DependencyUnavailableError:
    return DependencyUnavailableError(
        "index_unavailable", "The search index did not answer. Please try again."
    )
