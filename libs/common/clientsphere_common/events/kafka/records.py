"""Events and dead letters as Kafka records: the payload is the value, the rest are headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from clientsphere_common.events.model import DeadLetter, Event

_OWN = "clientsphere."
_Headers = list[tuple[str, bytes]]


class StoredRecord(Protocol):
    """What the client hands out."""

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> _Headers: ...


@dataclass(frozen=True)
class NewRecord:
    """`value` None deletes the key from a compacted topic; `partition` None is chosen by key."""

    topic: str
    key: bytes
    value: bytes | None
    headers: _Headers
    partition: int | None = None


def event_record(event: Event, topic: str, published_at_us: int) -> NewRecord:
    own = {
        "id": event.id,
        "type": event.type,
        "tenant": event.tenant_id,
        "occurred_at_ms": str(event.occurred_at_ms),
        "published_at_us": str(published_at_us),
    }
    return NewRecord(topic, event.key.encode(), event.payload, _headers(own, event.headers))


def event_of(record: StoredRecord, topic: str) -> Event:
    own, given = _split(record)
    return Event(
        id=own["id"],
        topic=topic,
        # A dead letter is filed under the id of its event.
        key=own.get("key", (record.key or b"").decode()),
        type=own["type"],
        tenant_id=own["tenant"],
        payload=record.value or b"",
        occurred_at_ms=int(own["occurred_at_ms"]),
        headers=given,
    )


def published_at_us(record: StoredRecord) -> int:
    return int(_split(record)[0]["published_at_us"])


def dead_letter_record(letter: DeadLetter, topic: str, published_at_us: int) -> NewRecord:
    return NewRecord(
        topic,
        letter.event.id.encode(),
        letter.event.payload,
        _failed_headers(letter, published_at_us),
        partition=0,
    )


def replay_record(letter: DeadLetter, topic: str, published_at_us: int) -> NewRecord:
    headers = _failed_headers(letter, published_at_us)
    return NewRecord(topic, letter.event.key.encode(), letter.event.payload, headers)


def removal_record(event_id: str, topic: str) -> NewRecord:
    return NewRecord(topic, event_id.encode(), None, [], partition=0)


def dead_letter_of(record: StoredRecord, topic: str) -> DeadLetter:
    own, _ = _split(record)
    return DeadLetter(
        event=event_of(record, topic),
        attempts=int(own["attempts"]),
        cause=own["cause"],
        failed_at_ms=int(own["failed_at_ms"]),
    )


def _failed_headers(letter: DeadLetter, published_at_us: int) -> _Headers:
    event = letter.event
    failure = {
        "key": event.key,
        "attempts": str(letter.attempts),
        "cause": letter.cause,
        "failed_at_ms": str(letter.failed_at_ms),
    }
    return event_record(event, "", published_at_us).headers + _headers(failure, {})


def _headers(own: Mapping[str, str], given: Mapping[str, str]) -> _Headers:
    return [
        *((_OWN + name, value.encode()) for name, value in own.items()),
        *((name, value.encode()) for name, value in given.items()),
    ]


def _split(record: StoredRecord) -> tuple[dict[str, str], dict[str, str]]:
    own: dict[str, str] = {}
    given: dict[str, str] = {}
    for name, value in record.headers:
        if name.startswith(_OWN):
            own[name.removeprefix(_OWN)] = value.decode()
        else:
            given[name] = value.decode()
    return own, given
