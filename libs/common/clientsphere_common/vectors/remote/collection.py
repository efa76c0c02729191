"""Makes the collection on a Qdrant server, and refuses one that does not fit."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from qdrant_client import AsyncQdrantClient, models

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.model import DocumentReaders
from clientsphere_common.vectors.points import to_readers
from clientsphere_common.vectors.remote.translation import (
    HNSW,
    dense_vectors,
    index_params,
    quantization_config,
    sparse_vectors,
    to_filter,
)
from clientsphere_common.vectors.schema import FIELD_INDEXES, Field, VectorName
from clientsphere_common.vectors.settings import QdrantSettings
from clientsphere_common.vectors.tenant_filter import from_before_readers

_OLDEST_SERVER = (1, 19)
"""Older ones ignore, without a word, the rarity of words within a tenant."""


class IndexSchemaError(DependencyUnavailableError):
    """The server or its collection cannot be used as it is; the message tells operators why."""

    def __init__(self, message: str) -> None:
        super().__init__("index_unusable", message)


async def ensure_collection(
    client: AsyncQdrantClient, settings: QdrantSettings, dimension: int
) -> None:
    """Make what is missing of collection, field indexes and alias.

    Any number of processes may do so at once, and one that dies on the way leaves the rest to the
    next. Raises IndexSchemaError when the server is too old, or when the collection holds vectors
    of another dimension.
    """
    await _require_version(client)
    if await _find(client, settings.collection) is None:
        await _make(client, settings, dimension)
    about = await client.get_collection(settings.collection)
    _require_dimension(about, settings, dimension)
    await _upgrade(client, settings.collection, known=about.payload_schema)


async def _upgrade(client: AsyncQdrantClient, collection: str, known: Mapping[str, object]) -> None:
    """Add what releases after that of the collection brought; nothing of it is waited for.

    The server does it in this order. Until then, points that nobody was told the readers of are
    found by nobody.
    """
    if Field.KNOWLEDGE_BASE_READERS not in known:
        everyone = to_readers(DocumentReaders())
        await client.set_payload(collection, everyone, to_filter(from_before_readers()), wait=False)
    for field, kind in FIELD_INDEXES.items():
        if field not in known:
            await client.create_payload_index(collection, field, index_params(kind), wait=False)


async def _make(client: AsyncQdrantClient, settings: QdrantSettings, dimension: int) -> None:
    name = f"{settings.collection}-1"
    await _create(client, name, settings, dimension)
    for field, kind in FIELD_INDEXES.items():
        await client.create_payload_index(name, field, index_params(kind), wait=True)
    # Last: where the alias is, everything is.
    alias = models.CreateAlias(collection_name=name, alias_name=settings.collection)
    await client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])


async def _create(
    client: AsyncQdrantClient, name: str, settings: QdrantSettings, dimension: int
) -> None:
    try:
        await client.create_collection(
            name,
            vectors_config=dense_vectors(dimension),
            sparse_vectors_config=sparse_vectors(),
            hnsw_config=HNSW,
            quantization_config=quantization_config(settings.quantization),
            shard_number=settings.shards,
            replication_factor=settings.replicas,
        )
    except grpc.aio.AioRpcError:
        # Not by its code, which differs between releases: another process may have been first.
        if await _find(client, name) is None:
            raise


async def _find(client: AsyncQdrantClient, name: str) -> models.CollectionInfo | None:
    try:
        return await client.get_collection(name)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


async def _require_version(client: AsyncQdrantClient) -> None:
    version = (await client.info()).version
    major, minor = version.split(".")[:2]
    if (int(major), int(minor)) < _OLDEST_SERVER:
        oldest = ".".join(map(str, _OLDEST_SERVER))
        raise IndexSchemaError(f"The Qdrant server is {version}, but {oldest} or newer is needed.")


def _require_dimension(
    about: models.CollectionInfo, settings: QdrantSettings, dimension: int
) -> None:
    vectors = about.config.params.vectors
    dense = vectors.get(VectorName.DENSE) if isinstance(vectors, dict) else None
    if dense is None:
        raise IndexSchemaError(
            f"The collection {settings.collection!r} was not made as a passage index:"
            " choose another name."
        )
    if dense.size != dimension:
        raise IndexSchemaError(
            f"The collection {settings.collection!r} holds vectors of {dense.size} numbers, but the"
            f" embedding model gives {dimension}: choose the model it was made with, or another"
            " collection."
        )
