"""Counts what a group gave up without reading its dead letters again and again."""

from __future__ import annotations

from clientsphere_common.events.kafka.reader import KafkaReader


class DeadLetterIds:
    """The ids in a topic of dead letters; each call reads what is new since the last."""

    def __init__(self, reader: KafkaReader, topic: str) -> None:
        self._reader = reader
        self._topic = topic
        self._position = 0
        self._ids: set[bytes | None] = set()

    async def count(self) -> int:
        for record in await self._reader.records(self._topic, self._position):
            self._position = record.offset + 1
            if record.value is None:
                self._ids.discard(record.key)
            else:
                self._ids.add(record.key)
        return len(self._ids)
