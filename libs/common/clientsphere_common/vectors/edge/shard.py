"""One Qdrant shard on disk, in the words of the passage index. Every call blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    Filter,
    Fusion,
    IdfParams,
    Point,
    Prefetch,
    Query,
    QueryRequest,
    SearchParams,
    UpdateMode,
    UpdateOperation,
)

from clientsphere_common.vectors.bm25 import open_bm25
from clientsphere_common.vectors.edge.translation import (
    field_index_operations,
    shard_config,
    to_filter,
)
from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)
from clientsphere_common.vectors.points import (
    latest_versions,
    point_id,
    searchable_text,
    to_passage,
    to_payload,
    to_readers,
    to_readers_of,
)
from clientsphere_common.vectors.schema import (
    VERSIONS_END,
    Field,
    ReadersField,
    State,
    Tuning,
    VectorName,
)
from clientsphere_common.vectors.tenant_filter import (
    Conditions,
    Tenant,
    from_before_readers,
    searchable,
    stored,
    told_before,
)


@dataclass(frozen=True)
class Backlog:
    """What optimising a shard would be worth."""

    points: int
    changes: int
    """Points added and points removed since the last time: in no graph, or holding space."""


class PassageShard:
    """Not for several threads: the engine holds the interpreter lock throughout a call."""

    def __init__(self, folder: Path, dimension: int) -> None:
        """Open the shard in `folder`, made new if the folder is missing."""
        config = shard_config(dimension)
        if folder.exists():
            self._shard = EdgeShard.load(str(folder), config)
        else:
            folder.mkdir()
            self._shard = EdgeShard.create(str(folder), config)
        self._make_field_indexes()
        self._bm25 = open_bm25()
        self._changes = self._points_without_graph()

    def close(self) -> None:
        self._shard.close()

    def add(self, tenant: Tenant, chunks: Sequence[IndexedChunk]) -> None:
        points = [
            Point(
                point_id(tenant, chunk),
                {
                    VectorName.DENSE: list(chunk.vector),
                    VectorName.BM25: self._bm25.embed_document(searchable_text(chunk)),
                },
                to_payload(tenant, chunk),
            )
            for chunk in chunks
        ]
        self._shard.update(UpdateOperation.upsert_points(points, update_mode=UpdateMode.InsertOnly))
        self._changes += len(points)

    def activate(
        self, tenant: Tenant, document_id: str, version: int, readers: DocumentReaders
    ) -> int:
        """See PassageIndex.activate; what it did is on disk when it returns."""
        chosen = stored(tenant, document_id, range(version, version + 1))
        higher = stored(tenant, document_id, range(version + 1, VERSIONS_END), visible_only=True)
        if self.count(higher):
            self.remove(chosen)
            return 0
        visible = self.count(chosen)
        if visible:
            self._tell(chosen, ReadersField.OF_KNOWLEDGE_BASE, readers.of_knowledge_base)
            self._tell(chosen, ReadersField.OF_DOCUMENT, readers.of_document)
            self._set(chosen, {Field.STATE: State.VISIBLE})
            self.remove(stored(tenant, document_id, range(version)))
        return visible

    def set_readers(self, conditions: Conditions, place: ReadersField, readers: Readers) -> None:
        """What it did is on disk when it returns: nobody tells it again after a power cut."""
        self._tell(conditions, place, readers)
        self._shard.flush()

    def remove(self, conditions: Conditions) -> None:
        """What it did is on disk when it returns: of adding alone, the log survives the process."""
        self._changes += self.count(conditions)
        self._shard.update(UpdateOperation.delete_points_by_filter(to_filter(conditions)))
        self._shard.flush()

    def search(self, tenant: Tenant, query: HybridQuery) -> list[FoundPassage]:
        allowed = to_filter(searchable(tenant, query.reader, query.knowledge_base_ids))
        # Rarity within what may be found: one tenant's words never move another's ranking.
        rarity = SearchParams(idf=IdfParams(corpus=allowed))
        words = self._bm25.embed_query(query.text)
        fusion = Fusion.Rrf(k=Tuning.RRF_K, weights=list(Tuning.RRF_WEIGHTS))
        found = self._shard.query(
            QueryRequest(
                query=fusion,  # type: ignore[arg-type] # the stubs do not say that Rrf is a Fusion
                prefetches=[
                    _prefetch(Query.Nearest(list(query.vector), using=VectorName.DENSE), allowed),
                    _prefetch(Query.Nearest(words, using=VectorName.BM25), allowed, rarity),
                ],
                filter=allowed,
                limit=query.limit,
                with_payload=True,
            )
        )
        return latest_versions([to_passage(point.payload or {}, point.score) for point in found])

    def count(self, conditions: Conditions) -> int:
        return self._shard.count(CountRequest(filter=to_filter(conditions), exact=True))

    def flush(self) -> None:
        self._shard.flush()

    def optimise(self) -> None:
        """Build graphs and free the space of removed points. Takes minutes for a million points."""
        self._shard.optimize()
        self._changes = self._points_without_graph()

    def backlog(self) -> Backlog:
        return Backlog(self._shard.info().points_count, self._changes)

    def _make_field_indexes(self) -> None:
        """Those that are missing: all of them, or what releases after that of the shard added."""
        known = self._shard.info().payload_schema
        if known and Field.KNOWLEDGE_BASE_READERS not in known:
            self._set(from_before_readers(), to_readers(DocumentReaders()))
            self._shard.flush()
        for field, operation in field_index_operations():
            if field not in known:
                self._shard.update(operation)

    def _tell(self, conditions: Conditions, place: ReadersField, readers: Readers) -> None:
        outdated = told_before(conditions, place, readers.revision)
        self._set(outdated, to_readers_of(place, readers))

    def _set(self, conditions: Conditions, payload: dict[str, Any]) -> None:
        self._shard.update(UpdateOperation.set_payload_by_filter(to_filter(conditions), payload))

    def _points_without_graph(self) -> int:
        about = self._shard.info()
        # The engine counts vectors: a point's sparse one at once, its dense one with the graph.
        return max(0, 2 * about.points_count - about.indexed_vectors_count)


def _prefetch(query: Query, allowed: Filter, params: SearchParams | None = None) -> Prefetch:
    return Prefetch(query=query, filter=allowed, params=params, limit=Tuning.CANDIDATES)
