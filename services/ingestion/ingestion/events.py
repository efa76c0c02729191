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


def _event(key: VersionKey, message: Message) -> Event:
    """Something happens to a version at most once, so that its id may follow from both."""
    event_type, trace = message.DESCRIPTOR.name, current_trace()
    return Event(
        id=derived_id("evt", event_type, key.document_id, str(key.version)),
        topic=DOCUMENTS_TOPIC,
        key=key.document_id,
        type=event_type,
        tenant_id=key.tenant_id,
        payload=message.SerializeToString(),
        occurred_at_ms=int(time.time() * 1000),
        headers={"request_id": trace.request_id, "traceparent": trace.traceparent},
    )
