"""Creates the topics that are missing and knows how many partitions they have."""

from __future__ import annotations

from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError

from clientsphere_common.events.kafka.model import (
    GroupTopics,
    KafkaSettings,
    group_topics,
    parse_progress_topic,
)
from clientsphere_common.events.kafka.thread import KafkaThread

# Only closed segments are compacted, so they must not take a week to fill.
_COMPACTED = {"cleanup.policy": "compact", "segment.bytes": str(16 * 1024 * 1024)}


class KafkaTopics:
    """Asks the cluster about each topic once; existing topics stay as they are."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._thread = KafkaThread("kafka-topics")
        self._admin: Any = None
        self._partitions: dict[str, int] = {}

    async def close(self) -> None:
        await self._thread.run(self._close)
        self._thread.end()

    async def partitions(self, topic: str) -> int:
        """Return 0 when there is no such topic."""
        return await self._thread.run(lambda: self._known(topic))

    async def ensure(self, topic: str) -> int:
        """Create the topic if it is missing; return how many partitions it has."""
        return await self._thread.run(lambda: self._ensure_main(topic))

    async def ensure_group(self, topics: GroupTopics) -> int:
        """The same for a topic and what a group needs beside it."""
        return await self._thread.run(lambda: self._ensure_group(topics))

    async def groups(self) -> list[tuple[str, str]]:
        """List the topic and the name of every group that has all its topics."""
        return await self._thread.run(self._groups)

    async def ping(self) -> None:
        await self._thread.run(lambda: self._connected().describe_cluster())

    def _groups(self) -> list[tuple[str, str]]:
        existing = set(self._connected().list_topics())
        parsed = (parse_progress_topic(self._settings, name) for name in existing)
        return sorted(
            found
            for found in parsed
            if found and existing.issuperset(group_topics(self._settings, *found).all_names())
        )

    def _ensure_main(self, topic: str) -> int:
        return self._ensure(topic, self._settings.partitions, self._retention())

    def _ensure_group(self, topics: GroupTopics) -> int:
        partitions = self._ensure_main(topics.main)
        self._ensure(topics.retry, partitions, self._retention())
        # Read whole or at their end only: compaction keeps the last record of each key.
        self._ensure(topics.progress, partitions, _COMPACTED)
        self._ensure(topics.dead, 1, _COMPACTED)
        return partitions

    def _ensure(self, topic: str, partitions: int, config: dict[str, str]) -> int:
        known = self._known(topic)
        if known:
            return known
        copies = self._settings.replication_factor
        wish = {
            "num_partitions": partitions,
            "replication_factor": copies,
            "configs": {**config, "min.insync.replicas": str(max(1, copies - 1))},
        }
        try:
            self._connected().create_topics({topic: wish}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            # Another process was faster; it may have had other wishes.
            return self._known(topic)
        self._partitions[topic] = partitions
        return partitions

    def _known(self, topic: str) -> int:
        if topic not in self._partitions:
            found = self._describe(topic)
            if not found:
                return 0
            self._partitions[topic] = found
        return self._partitions[topic]

    def _describe(self, topic: str) -> int:
        try:
            (description,) = self._connected().describe_topics([topic])
        except UnknownTopicOrPartitionError:
            return 0
        return len(description["partitions"])

    def _retention(self) -> dict[str, str]:
        return {"retention.ms": str(int(self._settings.retention_s * 1000))}

    def _connected(self) -> Any:
        if self._admin is None:
            self._admin = KafkaAdminClient(
                request_timeout_ms=int(self._settings.read_timeout_s * 1000),
                **self._settings.client(),
            )
        return self._admin

    def _close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None
