"""Writes records so that they are on enough brokers before the call returns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import DuplicateSequenceNumberError, KafkaError, KafkaTimeoutError
from kafka.producer.future import RecordMetadata

from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.kafka.records import NewRecord
from clientsphere_common.events.kafka.thread import KafkaThread, unavailable

_FORCED_END_S = 1.0


class KafkaWriter:
    """An idempotent producer: its own retries store nothing twice and keep the order.

    Connects with the first write, so that a process starts while Kafka is away. A producer that
    has failed is replaced: after an outage this client may keep what it holds for ever (3.0.12).
    What the old one had sent may then be stored twice; consumers know the ids.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._thread = KafkaThread("kafka-writer")
        self._producer: Any = None
        self._failed: Any = None

    async def close(self) -> None:
        await self._thread.run(self._close)
        self._thread.end()

    async def write(self, records: Sequence[NewRecord]) -> None:
        """Write in the order given; writes that begin one after the other keep theirs too.

        Raises DependencyUnavailableError within the publish timeout; a part may be stored then.
        """
        if not records:
            return
        producer: Any = None
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                producer, sent = await self._thread.run(partial(self._send, records))
                await asyncio.gather(*map(_acknowledged, sent))
        except (KafkaError, TimeoutError) as error:
            self._note_failure(producer)
            raise unavailable() from error

    def _note_failure(self, producer: Any) -> None:
        # Others may have failed with one that was replaced meanwhile.
        if producer is not None and producer is self._producer:
            self._failed = producer

    def _send(self, records: Sequence[NewRecord]) -> tuple[Any, list[Any]]:
        producer = self._connected()
        try:
            return producer, [_sent(producer, record) for record in records]
        except KafkaError:
            self._note_failure(producer)
            raise

    def _connected(self) -> Any:
        if self._producer is not None and self._producer is self._failed:
            _end(self._producer, 0.0)
            self._producer = None
        if self._producer is None:
            timeout_ms = int(self._settings.publish_timeout_s * 1000)
            self._producer = KafkaProducer(
                acks="all",
                enable_idempotence=True,
                max_block_ms=timeout_ms // 2,
                request_timeout_ms=timeout_ms // 2,
                delivery_timeout_ms=timeout_ms,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                **self._settings.client(),
            )
        return self._producer

    def _close(self) -> None:
        if self._producer is not None:
            is_failed = self._producer is self._failed
            _end(self._producer, 0.0 if is_failed else self._settings.publish_timeout_s)
            self._producer = None


def _sent(producer: Any, record: NewRecord) -> Any:
    return producer.send(
        record.topic,
        value=record.value,
        key=record.key,
        headers=record.headers,
        partition=record.partition,
    )


def _end(producer: Any, patience_s: float) -> None:
    """Send what is on its way within `patience_s`, and give up the rest."""
    try:
        producer.flush(patience_s)
    except KafkaTimeoutError:
        # Its own way to close would wait for the same again, and then leave its threads behind.
        producer._sender.force_close()  # noqa: SLF001 - there is no public one
    with suppress(KafkaTimeoutError):
        producer.close(_FORCED_END_S)


def _acknowledged(sent: Any) -> asyncio.Future[None]:
    """Bridge the client's future, which is completed on a thread of the client."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def finish(_: object) -> None:
        if waiter.done():
            return
        error = sent.exception or _doubt(sent.value)
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    sent.add_both(lambda outcome: loop.call_soon_threadsafe(finish, outcome))
    return waiter


def _doubt(stored: RecordMetadata) -> KafkaError | None:
    """Why the record may not be stored, although the broker took it.

    Of a batch that it saw before, a broker does not say where it is. One that died meanwhile may
    remember the batch and not have it, so it is written again: consumers know the ids.
    """
    return None if stored.offset >= 0 else DuplicateSequenceNumberError()
