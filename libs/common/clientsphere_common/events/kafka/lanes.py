"""The lanes that one consumer owns: loaded when they come, recorded while they move on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog

from clientsphere_common.events.kafka.cluster import KafkaCluster
from clientsphere_common.events.kafka.lane import SOURCES, Delivery, Lane, SourceName
from clientsphere_common.events.kafka.member import Orders, Place
from clientsphere_common.events.kafka.model import GroupTopics
from clientsphere_common.events.kafka.reader import Tail
from clientsphere_common.events.kafka.records import (
    NewRecord,
    StoredRecord,
    event_of,
    published_at_us,
)

log = structlog.get_logger(__name__)


async def load_lanes(
    cluster: KafkaCluster, names: GroupTopics, numbers: Collection[int]
) -> tuple[list[Lane], dict[Place, Tail]]:
    """Restore lanes from their records, and tell which offsets each of their places holds."""
    tails: dict[Place, Tail] = {}
    for topic in (names.main, names.retry):
        found = await cluster.reader.tails(topic, numbers)
        tails |= {(topic, number): tail for number, tail in found.items()}
    progress = await cluster.reader.tails(names.progress, numbers)
    lanes = [
        Lane.from_record(
            number,
            _value(progress[number]),
            {"main": tails[names.main, number].oldest, "retry": tails[names.retry, number].oldest},
            cluster.settings.window,
        )
        for number in numbers
    ]
    return lanes, tails


def _value(tail: Tail) -> bytes | None:
    return None if tail.last is None else tail.last.value


class OwnedLanes:
    """What was read for a lane before it is loaded is read again."""

    def __init__(self, cluster: KafkaCluster, names: GroupTopics, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._names = names
        self._topics = names.sources()
        self._sources = {topic: name for name, topic in self._topics.items()}
        self._lanes: dict[int, Lane] = {}
        self._to_load: set[int] = set()
        self._to_seek: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}

    def numbers(self) -> set[int]:
        return set(self._lanes)

    def expect(self, new: Collection[int]) -> None:
        self._to_load |= set(new)

    async def load(self) -> None:
        """Take over the lanes that are expected.

        Raises DependencyUnavailableError; the next call tries again.
        """
        if not self._to_load:
            return
        lanes, tails = await load_lanes(self._cluster, self._names, sorted(self._to_load))
        for lane in lanes:
            if lane.number not in self._to_load:
                # Gone again while it was loaded.
                continue
            self._lanes[lane.number] = lane
            for name in SOURCES:
                place = (self._topics[name], lane.number)
                self._to_seek[place] = lane.read_from(name, tails[place].oldest)
        self._to_load.clear()

    def drop(self, numbers: Collection[int]) -> None:
        self._to_load -= set(numbers)
        for number in numbers:
            self._lanes.pop(number, None)
            for topic in self._sources:
                self._to_seek.pop((topic, number), None)
                self._committed.pop((topic, number), None)

    def orders(self) -> Orders:
        to_seek, self._to_seek = self._to_seek, {}
        full = {
            (self._topics[name], lane.number)
            for lane in self._lanes.values()
            for name in SOURCES
            if lane.is_full(name)
        }
        return Orders(to_seek, frozenset(full), self.uncommitted())

    def uncommitted(self) -> dict[Place, int]:
        return {
            (self._topics[name], lane.number): lane.sources[name].mark
            for lane in self._lanes.values()
            for name in SOURCES
            if self._committed.get((self._topics[name], lane.number)) != lane.sources[name].mark
        }

    def note_committed(self, marks: Mapping[Place, int]) -> None:
        self._committed |= {place: mark for place, mark in marks.items() if place[1] in self._lanes}

    def receive(
        self, records: Sequence[tuple[Place, Sequence[StoredRecord]]]
    ) -> Iterable[Delivery]:
        """Yield what is to be handled."""
        for (topic, number), found in records:
            lane = self._lanes.get(number)
            if lane is None or (topic, number) in self._to_seek:
                continue
            for record in found:
                delivery = self._delivery(record, self._sources[topic])
                if delivery is None:
                    lane.skip(self._sources[topic], record.offset)
                elif lane.receive(delivery):
                    yield delivery

    def touch(self, delivery: Delivery) -> None:
        """What is known about it has changed and is to be recorded."""
        if lane := self._lanes.get(delivery.lane):
            lane.is_dirty = True

    def settle(self, delivery: Delivery) -> None:
        if lane := self._lanes.get(delivery.lane):
            lane.settle(delivery)

    def take_progress(self) -> list[NewRecord]:
        """Return the records of the lanes that moved since the last call."""
        moved = [lane for lane in self._lanes.values() if lane.is_dirty]
        for lane in moved:
            lane.is_dirty = False
        return [self._progress(lane) for lane in moved]

    def progress_not_written(self, records: Iterable[NewRecord]) -> None:
        for record in records:
            if record.partition in self._lanes:
                self._lanes[record.partition].is_dirty = True

    def _progress(self, lane: Lane) -> NewRecord:
        key = str(lane.number).encode()
        return NewRecord(self._names.progress, key, lane.to_record(), [], partition=lane.number)

    def _delivery(self, record: StoredRecord, source: SourceName) -> Delivery | None:
        try:
            event = event_of(record, self._topic)
            at_us = published_at_us(record)
        except (KeyError, ValueError) as error:
            # Not written by an event log; it must not stop those behind it.
            log.error(
                "record_skipped",
                topic=self._topics[source],
                partition=record.partition,
                offset=record.offset,
                error=type(error).__name__,
            )
            return None
        return Delivery(event, record.partition, source, record.offset, at_us)
