"""The event log of the distributed shape: Kafka topics, shared by any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from clientsphere_common.errors import PayloadTooLargeError
from clientsphere_common.events.kafka_cluster import KafkaCluster
from clientsphere_common.events.kafka_consumer import KafkaEventConsumer
from clientsphere_common.events.kafka_lane import SOURCES
from clientsphere_common.events.kafka_lanes import load_lanes
from clientsphere_common.events.kafka_records import (
    StoredRecord,
    dead_letter_of,
    event_record,
    published_at_us,
    removal_record,
    replay_record,
)
from clientsphere_common.events.kafka_settings import GroupTopics, KafkaSettings, group_topics
from clientsphere_common.events.model import DeadLetter, Event, Subscription


class KafkaEventLog:
    """Publishes to and consumes from the cluster in `settings`.

    An id that was published again is stored again and recognised by the consumers, as long as
    its first copy is among the last events of its partition (`window`). What is published
    in one call is not stored as a whole: after a failure, publish it again.
    """

    def __init__(self, settings: KafkaSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._cluster = KafkaCluster.of(settings, clock)
        self._last_published_at_us = 0

    @property
    def name(self) -> str:
        return "event log"

    async def start(self) -> None:
        """Return at once: clients connect when they are needed."""

    async def stop(self) -> None:
        """Send what is on its way and close; consumers are to be stopped before."""
        await self._cluster.close()

    async def ping(self) -> None:
        """Raises DependencyUnavailableError when the cluster does not answer."""
        await self._cluster.topics.ping()

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

    async def lag(self, topic: str, group: str) -> int:
        names = group_topics(self._settings, topic, group)
        partitions = await self._cluster.topics.partitions(names.main)
        if not partitions:
            return 0
        if not await self._cluster.topics.partitions(names.progress):
            held = await self._cluster.reader.tails(names.main, range(partitions))
            return sum(tail.end - tail.oldest for tail in held.values())
        lanes, tails = await load_lanes(self._cluster, names, range(partitions))
        topics = names.sources()
        return sum(
            lane.sources[name].lag(tails[topics[name], lane.number].end)
            for lane in lanes
            for name in SOURCES
        )

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        records = await self._dead_records(group_topics(self._settings, topic, group))
        oldest_first = sorted(records.values(), key=published_at_us)
        return [dead_letter_of(record, topic) for record in oldest_first[:limit]]

    async def replay(self, topic: str, group: str, event_ids: Iterable[str]) -> int:
        """As promised by the port; a replay that fails on its way may be repeated.

        What it had replayed by then is delivered twice.
        """
        names = group_topics(self._settings, topic, group)
        records = await self._dead_records(names)
        found = [event_id for event_id in dict.fromkeys(event_ids) if event_id in records]
        await self._cluster.writer.write(
            [
                replay_record(
                    dead_letter_of(records[event_id], topic),
                    names.retry,
                    published_at_us(records[event_id]),
                )
                for event_id in found
            ]
        )
        await self._cluster.writer.write(
            [removal_record(event_id, names.dead) for event_id in found]
        )
        return len(found)

    async def _dead_records(self, names: GroupTopics) -> dict[str, StoredRecord]:
        if not await self._cluster.topics.partitions(names.dead):
            return {}
        records: dict[str, StoredRecord] = {}
        for record in await self._cluster.reader.all_records(names.dead):
            event_id = (record.key or b"").decode()
            if record.value is None:
                records.pop(event_id, None)
            else:
                records[event_id] = record
        return records

    def _next_us(self) -> int:
        """Tell the time in microseconds, never the same twice: dead letters are listed by it."""
        now_us = int(self._cluster.clock() * 1_000_000)
        self._last_published_at_us = max(now_us, self._last_published_at_us + 1)
        return self._last_published_at_us
