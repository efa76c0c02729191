"""Between chunks and the points of the collection: ids, payloads, searchable text."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from clientsphere_common.access.audience import Audience
from clientsphere_common.vectors.model import Chunk, DocumentReaders, FoundPassage, Readers
from clientsphere_common.vectors.schema import UNTOLD, Field, ReadersField, State
from clientsphere_common.vectors.tenant_filter import Tenant

_UNTOLD = Readers(Audience(frozenset()), UNTOLD)
_NOBODY = DocumentReaders(_UNTOLD, _UNTOLD)
_POINTS = uuid.UUID("0b9c6f5e-52c5-5d0e-8f5e-3d7c1a6f2b90")


def point_id(tenant: Tenant, chunk: Chunk) -> str:
    """The same for the same chunk, always; never the same for two tenants."""
    parts = (tenant.tenant_id, chunk.document_id, str(chunk.version), str(chunk.chunk_index))
    return str(uuid.uuid5(_POINTS, "\0".join(parts)))


def searchable_text(chunk: Chunk) -> str:
    """What BM25 sees: the headings name the subject that the text under them takes for granted."""
    return "\n".join((*chunk.heading_path, chunk.text))


def to_payload(tenant: Tenant, chunk: Chunk) -> dict[str, Any]:
    """What a new point carries: all of the chunk but its vector, not yet visible to anybody."""
    return {
        **to_readers(_NOBODY),
        Field.TENANT_ID: tenant.tenant_id,
        Field.KNOWLEDGE_BASE_ID: chunk.knowledge_base_id,
        Field.DOCUMENT_ID: chunk.document_id,
        Field.VERSION: chunk.version,
        Field.STATE: State.STAGED,
        Field.CHUNK_INDEX: chunk.chunk_index,
        Field.DOCUMENT_NAME: chunk.document_name,
        Field.TEXT: chunk.text,
        Field.PAGE: chunk.page,
        Field.HEADING_PATH: list(chunk.heading_path),
        Field.START: chunk.start,
        Field.END: chunk.end,
    }


def to_readers(readers: DocumentReaders) -> dict[str, Any]:
    """What a point carries about who may find it."""
    return {
        **to_readers_of(ReadersField.OF_KNOWLEDGE_BASE, readers.of_knowledge_base),
        **to_readers_of(ReadersField.OF_DOCUMENT, readers.of_document),
    }


def to_readers_of(place: ReadersField, readers: Readers) -> dict[str, Any]:
    """The half of it that stands in `place`."""
    return {
        place.readers: sorted(readers.audience.identities),
        place.revision: readers.revision,
    }


def to_passage(payload: Mapping[str, Any], score: float) -> FoundPassage:
    return FoundPassage(
        document_id=payload[Field.DOCUMENT_ID],
        version=payload[Field.VERSION],
        chunk_index=payload[Field.CHUNK_INDEX],
        knowledge_base_id=payload[Field.KNOWLEDGE_BASE_ID],
        document_name=payload[Field.DOCUMENT_NAME],
        text=payload[Field.TEXT],
        page=payload[Field.PAGE],
        heading_path=tuple(payload[Field.HEADING_PATH]),
        start=payload[Field.START],
        end=payload[Field.END],
        score=score,
    )


def latest_versions(passages: Sequence[FoundPassage]) -> list[FoundPassage]:
    """`passages` without those of a version that a higher one of the same document outdates.

    Two versions are visible between the two steps of an activation, and after a crash there.
    """
    latest: dict[str, int] = {}
    for passage in passages:
        latest[passage.document_id] = max(passage.version, latest.get(passage.document_id, 0))
    return [passage for passage in passages if passage.version == latest[passage.document_id]]
