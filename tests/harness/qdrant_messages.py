"""Translates Qdrant's gRPC messages to the embedded engine, and refuses what it cannot do."""

from __future__ import annotations

from google.protobuf.message import Message
from qdrant_client import grpc as wire
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    Fusion,
    HnswIndexConfig,
    IdfParams,
    IntegerIndexParams,
    KeywordIndexParams,
    MatchAny,
    Modifier,
    Point,
    Prefetch,
    QuantizationSearchParams,
    Query,
    QueryRequest,
    RangeFloat,
    ScalarQuantizationConfig,
    ScalarType,
    ScoredPoint,
    SearchParams,
    SparseVector,
)


class NotSpokenError(Exception):
    """Part of a message that this server would ignore; the real one would not."""


def require_only(message: Message, *spoken: str) -> None:
    for field, _ in message.ListFields():
        if field.name not in spoken:
            raise NotSpokenError(f"{message.DESCRIPTOR.name}.{field.name}")


def to_config(request: wire.CreateCollection) -> EdgeConfig:
    # A server of one node and one shard: how many there should be makes no difference to answers.
    placement = ("shard_number", "replication_factor")
    layout = ("vectors_config", "sparse_vectors_config", "hnsw_config", "quantization_config")
    require_only(request, "collection_name", *layout, *placement)
    vectors = request.vectors_config.params_map.map
    sparse = request.sparse_vectors_config.map
    return EdgeConfig(
        vectors={name: _to_dense_params(params) for name, params in vectors.items()},
        sparse_vectors={name: _to_sparse_params(params) for name, params in sparse.items()},
        hnsw_config=_to_hnsw(request.hnsw_config),
        quantization_config=(
            _to_quantization(request.quantization_config)
            if request.HasField("quantization_config")
            else None
        ),
    )


def to_field_index(params: wire.PayloadIndexParams) -> KeywordIndexParams | IntegerIndexParams:
    if params.HasField("keyword_index_params"):
        keyword = params.keyword_index_params
        require_only(keyword, "is_tenant", "enable_hnsw")
        return KeywordIndexParams(is_tenant=keyword.is_tenant, enable_hnsw=keyword.enable_hnsw)
    require_only(params, "integer_index_params")
    integer = params.integer_index_params
    require_only(integer, "lookup", "range", "enable_hnsw")
    return IntegerIndexParams(
        lookup=integer.lookup, range=integer.range, enable_hnsw=integer.enable_hnsw
    )


def to_data_type(params: object) -> wire.PayloadSchemaType.ValueType:
    is_keyword = isinstance(params, KeywordIndexParams)
    return wire.PayloadSchemaType.Keyword if is_keyword else wire.PayloadSchemaType.Integer


def to_filter(message: wire.Filter) -> Filter:
    require_only(message, "must", "must_not")
    return Filter(
        must=[_to_condition(condition) for condition in message.must],
        must_not=[_to_condition(condition) for condition in message.must_not],
    )


def to_selected(selector: wire.PointsSelector) -> Filter:
    require_only(selector, "filter")
    return to_filter(selector.filter)


def to_point(message: wire.PointStruct) -> Point:
    vectors = message.vectors.vectors.vectors
    return Point(
        message.id.uuid,
        {name: _to_vector(vector) for name, vector in vectors.items()},
        GrpcToRest.convert_payload(message.payload),
    )


def to_query(request: wire.QueryPoints) -> QueryRequest:
    parts = ("query", "prefetch", "filter", "limit", "with_payload", "with_vectors")
    require_only(request, "collection_name", "timeout", *parts)
    require_only(request.query, "rrf")
    fusion = Fusion.Rrf(k=request.query.rrf.k, weights=list(request.query.rrf.weights))
    return QueryRequest(
        query=fusion,  # type: ignore[arg-type] # the stubs do not say that Rrf is a Fusion
        prefetches=[_to_prefetch(prefetch) for prefetch in request.prefetch],
        filter=to_filter(request.filter),
        limit=request.limit,
        with_payload=request.with_payload.enable,
    )


def from_found(point: ScoredPoint) -> wire.ScoredPoint:
    return wire.ScoredPoint(
        id=wire.PointId(uuid=str(point.id)),
        payload=RestToGrpc.convert_payload(point.payload or {}),
        score=point.score,
        version=point.version,
    )


def _to_dense_params(params: wire.VectorParams) -> EdgeVectorParams:
    require_only(params, "size", "distance")
    if params.distance != wire.Distance.Cosine:
        raise NotSpokenError("a distance other than Cosine")
    return EdgeVectorParams(size=params.size, distance=Distance.Cosine)


def _to_sparse_params(params: wire.SparseVectorParams) -> EdgeSparseVectorParams:
    require_only(params, "modifier")
    return EdgeSparseVectorParams(modifier=Modifier.Idf if params.modifier else None)


def _to_hnsw(config: wire.HnswConfigDiff) -> HnswIndexConfig:
    require_only(config, "m", "payload_m", "ef_construct", "full_scan_threshold")
    return HnswIndexConfig(
        m=config.m,
        payload_m=config.payload_m,
        ef_construct=config.ef_construct,
        full_scan_threshold=config.full_scan_threshold,
    )


def _to_quantization(config: wire.QuantizationConfig) -> ScalarQuantizationConfig:
    require_only(config, "scalar")
    require_only(config.scalar, "type", "quantile", "always_ram")
    scalar = config.scalar
    return ScalarQuantizationConfig(
        ScalarType.Int8, quantile=scalar.quantile, always_ram=scalar.always_ram
    )


def _to_vector(vector: wire.Vector) -> list[float] | SparseVector:
    require_only(vector, "dense", "sparse")
    if vector.HasField("sparse"):
        return SparseVector(list(vector.sparse.indices), list(vector.sparse.values))
    return list(vector.dense.data)


def _to_condition(condition: wire.Condition) -> FieldCondition:
    require_only(condition, "field")
    field = condition.field
    require_only(field, "key", "match", "range")
    if field.HasField("match"):
        require_only(field.match, "keywords")
        return FieldCondition(field.key, match=MatchAny(list(field.match.keywords.strings)))
    require_only(field.range, "gte", "lt")
    below = field.range.lt if field.range.HasField("lt") else None
    return FieldCondition(field.key, range=RangeFloat(gte=field.range.gte, lt=below))


def _to_prefetch(message: wire.PrefetchQuery) -> Prefetch:
    require_only(message, "query", "using", "filter", "params", "limit")
    require_only(message.query, "nearest")
    nearest = message.query.nearest
    require_only(nearest, "dense", "sparse")
    vector: list[float] | SparseVector = list(nearest.dense.data)
    if nearest.HasField("sparse"):
        vector = SparseVector(list(nearest.sparse.indices), list(nearest.sparse.values))
    return Prefetch(
        query=Query.Nearest(vector, using=message.using),
        filter=to_filter(message.filter),
        params=_to_search_params(message.params) if message.HasField("params") else None,
        limit=message.limit,
    )


def _to_search_params(params: wire.SearchParams) -> SearchParams:
    require_only(params, "exact", "indexed_only", "idf", "quantization")
    quantization = params.quantization
    require_only(quantization, "ignore", "rescore", "oversampling")
    return SearchParams(
        exact=params.exact,
        indexed_only=params.indexed_only,
        idf=IdfParams(corpus=to_filter(params.idf.corpus)) if params.HasField("idf") else None,
        quantization=(
            QuantizationSearchParams(
                ignore=quantization.ignore,
                rescore=quantization.rescore,
                oversampling=quantization.oversampling,
            )
            if params.HasField("quantization")
            else None
        ),
    )
