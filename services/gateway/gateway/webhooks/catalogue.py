"""What receivers can be told about, and what they are told. A new kind of event is a row here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.events.model import Event
from gateway.times import from_unix_ms
from gateway.webhooks.model import Notification

TEST = "webhook.test"
"""Sent on request only; nobody subscribes to it."""
Told = Mapping[str, str | int]


@dataclass(frozen=True)
class EventKind:
    type: str
    """As receivers know it."""
    topic: str
    source: str
    """The type of our own event that it is made of."""
    read: Callable[[bytes], Told]
    """Ids and states: never names or text of documents. Raises DecodeError."""


def _uploaded(payload: bytes) -> Told:
    event = documents_pb2.DocumentUploaded.FromString(payload)
    return {"document_id": event.document_id, "version": event.version, "state": "queued"}


def _ready(payload: bytes) -> Told:
    event = documents_pb2.DocumentIndexed.FromString(payload)
    return {
        "document_id": event.document_id,
        "version": event.version,
        "state": "ready",
        "knowledge_base_id": event.knowledge_base_id,
        "chunk_count": event.chunk_count,
    }


def _failed(payload: bytes) -> Told:
    event = documents_pb2.DocumentFailed.FromString(payload)
    return {
        "document_id": event.document_id,
        "version": event.version,
        "state": "failed",
        "failure_code": event.code,
    }


def _deleted(payload: bytes) -> Told:
    event = documents_pb2.DocumentDeleted.FromString(payload)
    return {"document_id": event.document_id, "state": "deleted"}


CATALOGUE = (
    EventKind("document.uploaded", "documents", "DocumentUploaded", _uploaded),
    EventKind("document.ready", "documents", "DocumentIndexed", _ready),
    EventKind("document.failed", "documents", "DocumentFailed", _failed),
    EventKind("document.deleted", "documents", "DocumentDeleted", _deleted),
)
TOPICS = tuple(sorted({kind.topic for kind in CATALOGUE}))
_BY_SOURCE = {(kind.topic, kind.source): kind for kind in CATALOGUE}


def notification_of(event: Event) -> Notification | None:
    """None for an event that receivers are not told about.

    Raises InvalidInputError for one that is not what it says.
    """
    kind = _BY_SOURCE.get((event.topic, event.type))
    if kind is None:
        return None
    try:
        told = kind.read(event.payload)
    except DecodeError as error:
        raise InvalidInputError("invalid_event", "This is not an event of its type.") from error
    return new_notification(
        event.id, event.tenant_id, kind.type, from_unix_ms(event.occurred_at_ms), told
    )


def new_notification(
    event_id: str, tenant_id: str, event_type: str, occurred_at: datetime, told: Told
) -> Notification:
    """The body is made once, so that every attempt sends the same bytes."""
    timestamp = occurred_at.astimezone(UTC).isoformat(timespec="milliseconds")
    body = {"type": event_type, "timestamp": timestamp.replace("+00:00", "Z"), "data": dict(told)}
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Notification(event_id, tenant_id, event_type, occurred_at, payload)
