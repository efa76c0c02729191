"""The event log of the distributed shape: Kafka topics, shared by any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clientsphere_common.errors import PayloadTooLargeError
from clientsphere_common.events.kafka.cluster import KafkaCluster
from clientsphere_common.events.kafka.consumer import KafkaEventConsumer
from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.kafka.operations import KafkaEventOperations
from clientsphere_common.events.kafka.records import event_record
from clientsphere_common.events.model import Event, Subscription


class KafkaEventLog(KafkaEventOperations):
    """Publishes to and consumes from the cluster in `settings`.

    An id that was published again is stored again and recognised by the consumers, as long as
    its first copy is among the last events of its partition (`window`). What is published
    in one call is not stored as a whole: after a failure, publish it again.
    """

    def __init__(self, settings: KafkaSettings, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, KafkaCluster.of(settings, clock))
        self._last_published_at_us = 0

    async def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            if len(event.payload) > self._settings.max_event_bytes:
                raise PayloadTooLargeError(
                    "event_too_large", "The event is larger than the event log accepts."
                )
        topics = {event.topic: f"{self._settings.topic_prefix}{event.topic}" for event in events}
        for topic in topics.values():
            await self._cluster.topics.ensure(topic)
        await self._cluster.writer.write(
            [event_record(event, topics[event.topic], self._next_us()) for event in events]
        )

    def consumer(self, subscription: Subscription) -> KafkaEventConsumer:
        return KafkaEventConsumer(self._cluster, subscription)

    def _next_us(self) -> int:
        """Tell the time in microseconds, never the same twice: dead letters are listed by it."""
        now_us = int(self._cluster.clock() * 1_000_000)
        self._last_published_at_us = max(now_us, self._last_published_at_us + 1)
        return self._last_published_at_us
