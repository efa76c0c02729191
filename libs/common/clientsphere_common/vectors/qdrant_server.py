"""The passage index of the distributed shape: a Qdrant server or cluster, called over gRPC."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc
import structlog
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.resilience.calls import CallPolicy, RemoteCalls
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.resilience.retries import RetryPolicy
from clientsphere_common.vectors.bm25 import open_bm25
from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)
from clientsphere_common.vectors.points import latest_versions, to_passage, to_readers_of
from clientsphere_common.vectors.remote.client import open_client, reason, unavailable
from clientsphere_common.vectors.remote.collection import IndexSchemaError, ensure_collection
from clientsphere_common.vectors.remote.translation import (
    FUSION,
    to_filter,
    to_point,
    to_rankings,
)
from clientsphere_common.vectors.schema import VERSIONS_END, Field, ReadersField, State
from clientsphere_common.vectors.settings import QdrantSettings
from clientsphere_common.vectors.tenant_filter import (
    Conditions,
    Tenant,
    held,
    searchable,
    stored,
    told_before,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

_CHUNKS_PER_CALL = 64
_ORDERING = models.WriteOrdering.MEDIUM
"""Each replica evaluates a filter by itself: only writes in one order leave all of them alike."""
# Writes as well: done twice, each of them leaves what it leaves when done once.
CALL_POLICY = CallPolicy(RetryPolicy(tries=2, retry_on=frozenset({"index_unavailable"})))


class QdrantServerIndex:
    """Keeps a PassageIndex in a collection that any number of processes may share.

    It can start before the server does: the first call that reaches it makes the collection. One
    that vanishes afterwards is not made anew, because an empty index would answer everything with
    nothing. A server or collection that does not fit is told by `check`, not by a crash: an
    operator sees the reason where the process says that it is not ready, and most of them are
    healed at the server, after which the process works without a restart.
    """

    name = "passage index"

    def __init__(
        self,
        settings: QdrantSettings,
        dimension: int,
        *,
        api_key: Callable[[], str] | None = None,
        policy: CallPolicy = CALL_POLICY,
        metrics: CallMetrics | None = None,
    ) -> None:
        self._settings = settings
        self._dimension = dimension
        self._api_key = api_key
        self._calls = RemoteCalls(self.name, policy, metrics)
        self._bm25 = open_bm25()
        self._making = asyncio.Lock()
        self._is_made = False

    async def start(self) -> None:
        self._client = open_client(self._settings, self._api_key)
        try:
            await self.check()
        except IndexSchemaError as error:
            log.warning("index_unusable_at_start", reason=error.message)
        except DependencyUnavailableError as error:
            log.warning("index_unavailable_at_start", reason=reason(error.__cause__))

    async def stop(self) -> None:
        await self._client.close()

    async def check(self) -> None:
        """Raise DependencyUnavailableError when the server does not answer for the collection.

        IndexSchemaError, which is one too, when it cannot be used as it is.
        """

        async def ask() -> None:
            async with self._server(self._settings.read_timeout_s) as client:
                await client.get_collection(self._settings.collection)

        await self._calls.check(ask)

    async def add(self, tenant_id: str, chunks: Sequence[IndexedChunk]) -> None:
        tenant = Tenant(tenant_id)
        for chunk in chunks:
            self._require_dimension(chunk.vector)
        for start in range(0, len(chunks), _CHUNKS_PER_CALL):
            piece = chunks[start : start + _CHUNKS_PER_CALL]
            await self._insert([to_point(tenant, chunk, self._bm25) for chunk in piece])

    async def activate(
        self, tenant_id: str, document_id: str, version: int, readers: DocumentReaders
    ) -> int:
        tenant = Tenant(tenant_id)
        chosen = stored(tenant, document_id, range(version, version + 1))
        newer = range(version + 1, VERSIONS_END)
        if await self._count(stored(tenant, document_id, newer, visible_only=True)):
            await self._remove(chosen)
            return 0
        await self._tell(chosen, ReadersField.OF_KNOWLEDGE_BASE, readers.of_knowledge_base)
        await self._tell(chosen, ReadersField.OF_DOCUMENT, readers.of_document)
        await self._set(chosen, {Field.STATE: State.VISIBLE})
        # Counted afterwards: another process may have removed the version in between.
        visible = await self.count(tenant_id, document_id, version, active_only=True)
        if visible:
            await self._remove(stored(tenant, document_id, range(version)))
        return visible

    async def set_knowledge_base_readers(
        self, tenant_id: str, knowledge_base_id: str, readers: Readers
    ) -> None:
        held_points = held(Tenant(tenant_id), knowledge_base_id)
        await self._tell(held_points, ReadersField.OF_KNOWLEDGE_BASE, readers)

    async def set_document_readers(
        self, tenant_id: str, document_id: str, readers: Readers
    ) -> None:
        await self._tell(stored(Tenant(tenant_id), document_id), ReadersField.OF_DOCUMENT, readers)

    async def remove_document(self, tenant_id: str, document_id: str) -> None:
        await self._remove(stored(Tenant(tenant_id), document_id))

    async def remove_version(self, tenant_id: str, document_id: str, version: int) -> None:
        await self._remove(stored(Tenant(tenant_id), document_id, range(version, version + 1)))

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        tenant = Tenant(tenant_id)
        self._require_dimension(query.vector)
        settings = self._settings
        allowed = to_filter(searchable(tenant, query.reader, query.knowledge_base_ids))
        rankings = to_rankings(query, allowed, self._bm25, settings.quantization)
        found = await self._run(
            settings.read_timeout_s,
            lambda client: client.query_points(
                settings.collection,
                query=FUSION,
                prefetch=rankings,
                query_filter=allowed,
                limit=query.limit,
                with_payload=True,
                timeout=math.ceil(settings.read_timeout_s),
            ),
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
            raise unavailable()
        return made.name

    async def _insert(self, points: Sequence[models.PointStruct]) -> None:
        await self._run(
            self._settings.write_timeout_s,
            lambda client: client.upsert(
                self._settings.collection,
                points,
                update_mode=models.UpdateMode.INSERT_ONLY,
                ordering=_ORDERING,
                wait=True,
            ),
        )

    async def _count(self, conditions: Conditions) -> int:
        timeout_s = self._settings.read_timeout_s
        counted = await self._run(
            timeout_s,
            lambda client: client.count(
                self._settings.collection,
                to_filter(conditions),
                exact=True,
                timeout=math.ceil(timeout_s),
            ),
        )
        return counted.count

    async def _tell(self, conditions: Conditions, place: ReadersField, readers: Readers) -> None:
        outdated = told_before(conditions, place, readers.revision)
        await self._set(outdated, to_readers_of(place, readers))

    async def _set(self, conditions: Conditions, payload: dict[str, Any]) -> None:
        await self._run(
            self._settings.write_timeout_s,
            lambda client: client.set_payload(
                self._settings.collection,
                payload,
                to_filter(conditions),
                ordering=_ORDERING,
                wait=True,
            ),
        )

    async def _remove(self, conditions: Conditions) -> None:
        await self._run(
            self._settings.write_timeout_s,
            lambda client: client.delete(
                self._settings.collection, to_filter(conditions), ordering=_ORDERING, wait=True
            ),
        )

    def _require_dimension(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimension:
            raise ValueError(f"the vector has {len(vector)} numbers, not {self._dimension}")

    async def _run(self, timeout_s: float, ask: Callable[[AsyncQdrantClient], Awaitable[T]]) -> T:
        """What the server answers; it may be asked more than once."""

        async def attempt() -> T:
            try:
                async with self._server(timeout_s) as client:
                    return await ask(client)
            except IndexSchemaError as error:
                # Its words are for operators.
                raise unavailable() from error

        return await self._calls.run(attempt)

    @asynccontextmanager
    async def _server(self, timeout_s: float) -> AsyncIterator[AsyncQdrantClient]:
        """The client, once the collection is there; what it raises, in our words."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._make_collection()
                yield self._client
        except (grpc.aio.AioRpcError, QdrantException, TimeoutError) as error:
            raise unavailable(error) from error

    async def _make_collection(self) -> None:
        if self._is_made:
            return
        async with self._making:
            if not self._is_made:
                await ensure_collection(self._client, self._settings, self._dimension)
                self._is_made = True
