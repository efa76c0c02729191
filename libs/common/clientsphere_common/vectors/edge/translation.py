"""Says in the engine's types what the schema and the tenant filter say in ours."""

from __future__ import annotations

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    HnswIndexConfig,
    IntegerIndexParams,
    KeywordIndexParams,
    MatchAny,
    Modifier,
    RangeFloat,
    UpdateOperation,
)

from clientsphere_common.vectors.schema import FIELD_INDEXES, Field, FieldIndex, Tuning, VectorName
from clientsphere_common.vectors.tenant_filter import Conditions, IsBelow, IsOneOf, IsWithin


def shard_config(dimension: int) -> EdgeConfig:
    return EdgeConfig(
        vectors={VectorName.DENSE: EdgeVectorParams(size=dimension, distance=Distance.Cosine)},
        sparse_vectors={VectorName.BM25: EdgeSparseVectorParams(modifier=Modifier.Idf)},
        hnsw_config=HnswIndexConfig(
            m=Tuning.HNSW_M,
            payload_m=Tuning.HNSW_TENANT_M,
            ef_construct=Tuning.HNSW_EF_CONSTRUCT,
            full_scan_threshold=Tuning.HNSW_SCAN_BELOW_KB,
        ),
    )


def field_index_operations() -> list[tuple[Field, UpdateOperation]]:
    return [
        (field, UpdateOperation.create_field_index(field, _index_params(kind)))
        for field, kind in FIELD_INDEXES.items()
    ]


def to_filter(conditions: Conditions) -> Filter:
    return Filter(
        must=[_to_condition(one) for one in conditions if not isinstance(one, IsBelow)],
        # Not "less than": a point without the number would not match that.
        must_not=[_at_least(one) for one in conditions if isinstance(one, IsBelow)],
    )


def _index_params(kind: FieldIndex) -> KeywordIndexParams | IntegerIndexParams:
    if kind is FieldIndex.NUMBER:
        return IntegerIndexParams(lookup=False, range=True, enable_hnsw=False)
    # Only the tenant gets graphs: those of other fields would double the work of building.
    is_tenant = kind is FieldIndex.TENANT
    return KeywordIndexParams(is_tenant=is_tenant, enable_hnsw=is_tenant)


def _at_least(condition: IsBelow) -> FieldCondition:
    return FieldCondition(condition.field, range=RangeFloat(gte=condition.number))


def _to_condition(condition: IsOneOf | IsWithin) -> FieldCondition:
    if isinstance(condition, IsOneOf):
        return FieldCondition(condition.field, match=MatchAny(list(condition.values)))
    numbers = condition.numbers
    return FieldCondition(condition.field, range=RangeFloat(gte=numbers.start, lt=numbers.stop))
