"""The events that ingestion publishes, in the transaction that makes them true."""

from __future__ import annotations

import time

from google.protobuf.message import Message

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.events.model import Event
from clientsphere_common.ids import derived_id
from clientsphere_common.request import current_trace
from ingestion.model import Failure, VersionKey

DOCUMENTS_TOPIC = "documents"


def document_uploaded(key: VersionKey) -> Event:
    message = documents_pb2.DocumentUploaded(document_id=key.document_id, version=key.version)
    return _event(key, message)


def document_indexed(key: VersionKey, knowledge_base_id: str, chunk_count: int) -> Event:
    message = documents_pb2.DocumentIndexed(
        document_id=key.document_id,
        version=key.version,
        knowledge_base_id=knowledge_base_id,
        chunk_count=chunk_count,
    )
    return _event(key, message)


def document_failed(key: VersionKey, failure: Failure) -> Event:
    message = documents_pb2.DocumentFailed(
        document_id=key.document_id, version=key.version, code=failure.code
    )
    return _event(key, message)


def document_deleted(key: VersionKey) -> Event:
    return _event(key, documents_pb2.DocumentDeleted(document_id=key.document_id))


def knowledge_base_readers_changed(tenant_id: str, knowledge_base_id: str, revision: int) -> Event:
    message = documents_pb2.KnowledgeBaseReadersChanged(knowledge_base_id=knowledge_base_id)
    return _event_of(tenant_id, knowledge_base_id, revision, message)


def document_readers_changed(tenant_id: str, document_id: str, revision: int) -> Event:
    message = documents_pb2.DocumentReadersChanged(document_id=document_id)
    return _event_of(tenant_id, document_id, revision, message)


def _event(key: VersionKey, message: Message) -> Event:
    return _event_of(key.tenant_id, key.document_id, key.version, message)


def _event_of(tenant_id: str, resource_id: str, number: int, message: Message) -> Event:
    """Something happens to a version, or makes a revision, once: the event's id follows from it."""
    event_type, trace = message.DESCRIPTOR.name, current_trace()
    return Event(
        id=derived_id("evt", event_type, resource_id, str(number)),
        topic=DOCUMENTS_TOPIC,
        key=resource_id,
        type=event_type,
        tenant_id=tenant_id,
        payload=message.SerializeToString(),
        occurred_at_ms=int(time.time() * 1000),
        headers={"request_id": trace.request_id, "traceparent": trace.traceparent},
    )
