"""The clients that the parts of one event log share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.kafka.reader import KafkaReader
from clientsphere_common.events.kafka.topics import KafkaTopics
from clientsphere_common.events.kafka.writer import KafkaWriter


@dataclass(frozen=True)
class KafkaCluster:
    settings: KafkaSettings
    topics: KafkaTopics
    reader: KafkaReader
    writer: KafkaWriter
    clock: Callable[[], float]

    @classmethod
    def of(cls, settings: KafkaSettings, clock: Callable[[], float]) -> KafkaCluster:
        return cls(
            settings, KafkaTopics(settings), KafkaReader(settings), KafkaWriter(settings), clock
        )

    async def close(self) -> None:
        await self.writer.close()
        await self.reader.close()
        await self.topics.close()

    def now_ms(self) -> int:
        return int(self.clock() * 1000)
