"""Reads topics outside any group: their ends, the last record of each partition, or all of one."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.kafka.records import StoredRecord
from clientsphere_common.events.kafka.thread import KafkaThread


@dataclass(frozen=True)
class Tail:
    """The offsets that a partition holds, the one that comes next, and its last record."""

    oldest: int
    end: int
    last: StoredRecord | None = None


class KafkaReader:
    """Connects with the first call; the topics must exist."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._thread = KafkaThread("kafka-reader")
        self._consumer: Any = None

    async def close(self) -> None:
        await self._thread.run(self._close)
        self._thread.end()

    async def tails(self, topic: str, partitions: Collection[int]) -> dict[int, Tail]:
        return await self._thread.run(lambda: self._tails(topic, partitions))

    async def heads(
        self, topic: str, begin: Mapping[int, int], tails: Mapping[int, Tail]
    ) -> list[StoredRecord]:
        """List the first record of each partition at or after its offset in `begin`."""
        return await self._thread.run(lambda: self._heads(topic, begin, tails))

    async def records(self, topic: str, begin: int = 0) -> list[StoredRecord]:
        """List what partition 0 of the topic holds from offset `begin` on, oldest first."""
        return await self._thread.run(lambda: self._records(topic, begin))

    def _tails(self, topic: str, partitions: Collection[int]) -> dict[int, Tail]:
        tails = self._bounds(topic, partitions)
        # The end that was told may be that of a batch's first record: the records tell the end.
        begin = {n: tail.end - 1 for n, tail in tails.items() if tail.end > tail.oldest}
        for record in self._read(topic, begin, tails):
            oldest = tails[record.partition].oldest
            tails[record.partition] = Tail(oldest, record.offset + 1, record)
        return tails

    def _bounds(self, topic: str, partitions: Collection[int]) -> dict[int, Tail]:
        wanted = [TopicPartition(topic, partition) for partition in partitions]
        timeout_ms = int(self._settings.read_timeout_s * 1000)
        oldest = self._connected().beginning_offsets(wanted, timeout_ms=timeout_ms)
        ends = self._connected().end_offsets(wanted, timeout_ms=timeout_ms)
        return {at.partition: Tail(oldest[at], ends[at]) for at in wanted}

    def _heads(
        self, topic: str, begin: Mapping[int, int], tails: Mapping[int, Tail]
    ) -> list[StoredRecord]:
        heads: dict[int, StoredRecord] = {}
        for record in self._read(topic, begin, tails):
            heads.setdefault(record.partition, record)
            if len(heads) == len(begin):
                break
        return list(heads.values())

    def _records(self, topic: str, begin: int) -> list[StoredRecord]:
        bounds = self._bounds(topic, [0])
        oldest, end = bounds[0].oldest, bounds[0].end
        if end == oldest:
            return []
        # From the last one that was told on, for the reason above.
        first = max(oldest, min(begin, end - 1))
        return [one for one in self._read(topic, {0: first}, bounds) if one.offset >= begin]

    def _read(
        self, topic: str, begin: Mapping[int, int], tails: Mapping[int, Tail]
    ) -> Iterator[StoredRecord]:
        """Read each partition from its offset in `begin` to its end.

        There need not be a record: compaction may have left nothing between the two.
        """
        consumer = self._connected()
        unread = {TopicPartition(topic, partition) for partition in begin}
        consumer.assign(list(unread))
        # Being paused outlives an assignment.
        consumer.resume(*unread)
        for at in unread:
            consumer.seek(at, begin[at.partition])
        deadline = time.monotonic() + self._settings.read_timeout_s
        while unread:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"topic {topic} was not read in time")
            for records in consumer.poll(timeout_ms=100).values():
                yield from records
            for at in list(unread):
                end = max(tails[at.partition].end, consumer.highwater(at) or 0)
                if consumer.position(at) >= end:
                    unread.discard(at)
                    consumer.pause(at)

    def _connected(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                # Each read is of other partitions: a session would have to be taken back.
                enable_incremental_fetch_sessions=False,
                **self._settings.client(),
            )
        return self._consumer

    def _close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
