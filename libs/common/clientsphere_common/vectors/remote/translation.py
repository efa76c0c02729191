"""Says in the client's types what the schema, the points and the tenant filter say in ours."""

from __future__ import annotations

from qdrant_client import models
from qdrant_edge import Bm25, SparseVector

from clientsphere_common.vectors.model import HybridQuery, IndexedChunk
from clientsphere_common.vectors.points import point_id, searchable_text, to_payload
from clientsphere_common.vectors.schema import FieldIndex, Tuning, VectorName
from clientsphere_common.vectors.settings import Quantization
from clientsphere_common.vectors.tenant_filter import (
    Conditions,
    IsBelow,
    IsOneOf,
    IsWithin,
    Tenant,
)

FUSION = models.RrfQuery(rrf=models.Rrf(k=Tuning.RRF_K, weights=list(Tuning.RRF_WEIGHTS)))
HNSW = models.HnswConfigDiff(
    m=Tuning.HNSW_M,
    payload_m=Tuning.HNSW_TENANT_M,
    ef_construct=Tuning.HNSW_EF_CONSTRUCT,
    full_scan_threshold=Tuning.HNSW_SCAN_BELOW_KB,
)
_OVERSAMPLING = 2.0
"""Of candidates chosen by quantized vectors: makes up for what their rounding misplaces."""


def dense_vectors(dimension: int) -> dict[str, models.VectorParams]:
    params = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
    return {VectorName.DENSE: params}


def sparse_vectors() -> dict[str, models.SparseVectorParams]:
    return {VectorName.BM25: models.SparseVectorParams(modifier=models.Modifier.IDF)}


def quantization_config(quantization: Quantization) -> models.ScalarQuantization | None:
    if quantization is Quantization.NONE:
        return None
    scalar = models.ScalarQuantizationConfig(
        type=models.ScalarType.INT8, quantile=0.99, always_ram=True
    )
    return models.ScalarQuantization(scalar=scalar)


def index_params(kind: FieldIndex) -> models.KeywordIndexParams | models.IntegerIndexParams:
    if kind is FieldIndex.NUMBER:
        return models.IntegerIndexParams(
            type=models.IntegerIndexType.INTEGER, lookup=False, range=True, enable_hnsw=False
        )
    # Only the tenant gets graphs: those of other fields would double the work of building.
    is_tenant = kind is FieldIndex.TENANT
    return models.KeywordIndexParams(
        type=models.KeywordIndexType.KEYWORD, is_tenant=is_tenant, enable_hnsw=is_tenant
    )


def to_filter(conditions: Conditions) -> models.Filter:
    return models.Filter(
        must=[_to_condition(one) for one in conditions if not isinstance(one, IsBelow)],
        # Not "less than": a point without the number would not match that.
        must_not=[_at_least(one) for one in conditions if isinstance(one, IsBelow)],
    )


def to_point(tenant: Tenant, chunk: IndexedChunk, bm25: Bm25) -> models.PointStruct:
    words = bm25.embed_document(searchable_text(chunk))
    return models.PointStruct(
        id=point_id(tenant, chunk),
        vector={VectorName.DENSE: list(chunk.vector), VectorName.BM25: _to_sparse(words)},
        payload=to_payload(tenant, chunk),
    )


def to_rankings(
    query: HybridQuery, allowed: models.Filter, bm25: Bm25, quantization: Quantization
) -> list[models.Prefetch]:
    """By meaning and by words, in the order of Tuning.RRF_WEIGHTS."""
    # Rarity within what may be found: one tenant's words never move another's ranking.
    rarity = models.SearchParams(idf=models.IdfCorpusParams(corpus=allowed))
    return [
        models.Prefetch(
            query=list(query.vector),
            using=VectorName.DENSE,
            filter=allowed,
            params=_dense_search(quantization),
            limit=Tuning.CANDIDATES,
        ),
        models.Prefetch(
            query=_to_sparse(bm25.embed_query(query.text)),
            using=VectorName.BM25,
            filter=allowed,
            params=rarity,
            limit=Tuning.CANDIDATES,
        ),
    ]


def _dense_search(quantization: Quantization) -> models.SearchParams | None:
    if quantization is Quantization.NONE:
        return None
    return models.SearchParams(
        quantization=models.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING)
    )


def _to_sparse(words: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=words.indices, values=words.values)


def _at_least(condition: IsBelow) -> models.FieldCondition:
    return models.FieldCondition(key=condition.field, range=models.Range(gte=condition.number))


def _to_condition(condition: IsOneOf | IsWithin) -> models.FieldCondition:
    if isinstance(condition, IsOneOf):
        match = models.MatchAny(any=list(condition.values))
        return models.FieldCondition(key=condition.field, match=match)
    numbers = condition.numbers
    return models.FieldCondition(
        key=condition.field, range=models.Range(gte=numbers.start, lt=numbers.stop)
    )
