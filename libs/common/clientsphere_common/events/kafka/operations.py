"""What operators ask of the event log on Kafka: how far groups are, and what they gave up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clientsphere_common.events.kafka.cluster import KafkaCluster
from clientsphere_common.events.kafka.dead_letters import DeadLetterIds
from clientsphere_common.events.kafka.lane import SOURCES, Lane
from clientsphere_common.events.kafka.lanes import load_lanes
from clientsphere_common.events.kafka.member import Place
from clientsphere_common.events.kafka.model import GroupTopics, KafkaSettings, group_topics
from clientsphere_common.events.kafka.reader import Tail
from clientsphere_common.events.kafka.records import (
    StoredRecord,
    dead_letter_of,
    published_at_us,
    removal_record,
    replay_record,
)
from clientsphere_common.events.model import DeadLetter, Standing


class KafkaEventOperations:
    """A module. It joins no group, so it disturbs none."""

    def __init__(self, settings: KafkaSettings, cluster: KafkaCluster) -> None:
        self._settings = settings
        self._cluster = cluster
        self._dead_ids: dict[str, DeadLetterIds] = {}

    @property
    def name(self) -> str:
        return "event log"

    async def start(self) -> None:
        """Return at once: clients connect when they are needed."""

    async def stop(self) -> None:
        """Send what is on its way and close; consumers are to be stopped before."""
        await self._cluster.close()

    async def check(self) -> None:
        """Raises DependencyUnavailableError when the cluster does not answer."""
        await self._cluster.topics.ping()

    async def standings(self) -> list[Standing]:
        groups = await self._cluster.topics.groups()
        return [await self._standing(topic, group) for topic, group in groups]

    async def lag(self, topic: str, group: str) -> int:
        names = group_topics(self._settings, topic, group)
        partitions = await self._cluster.topics.partitions(names.main)
        if not partitions:
            return 0
        if not await self._cluster.topics.partitions(names.progress):
            held = await self._cluster.reader.tails(names.main, range(partitions))
            return sum(tail.end - tail.oldest for tail in held.values())
        lanes, tails = await load_lanes(self._cluster, names, range(partitions))
        return _lag(names, lanes, tails)

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

    async def _standing(self, topic: str, group: str) -> Standing:
        names = group_topics(self._settings, topic, group)
        partitions = await self._cluster.topics.partitions(names.main)
        lanes, tails = await load_lanes(self._cluster, names, range(partitions))
        dead_ids = self._dead_ids.setdefault(
            names.dead, DeadLetterIds(self._cluster.reader, names.dead)
        )
        return Standing(
            topic,
            group,
            _lag(names, lanes, tails),
            await self._oldest_ms(names, lanes, tails),
            await dead_ids.count(),
        )

    async def _oldest_ms(
        self, names: GroupTopics, lanes: Sequence[Lane], tails: Mapping[Place, Tail]
    ) -> int | None:
        heads: list[StoredRecord] = []
        for name, topic in names.sources().items():
            ends = {lane.number: tails[topic, lane.number] for lane in lanes}
            behind = {
                lane.number: lane.sources[name].mark
                for lane in lanes
                if lane.sources[name].lag(ends[lane.number].end)
            }
            heads += await self._cluster.reader.heads(topic, behind, ends)
        published_ms = [_published_at_ms(record) for record in heads]
        return min((at_ms for at_ms in published_ms if at_ms is not None), default=None)

    async def _dead_records(self, names: GroupTopics) -> dict[str, StoredRecord]:
        if not await self._cluster.topics.partitions(names.dead):
            return {}
        records: dict[str, StoredRecord] = {}
        for record in await self._cluster.reader.records(names.dead):
            event_id = (record.key or b"").decode()
            if record.value is None:
                records.pop(event_id, None)
            else:
                records[event_id] = record
        return records


def _published_at_ms(record: StoredRecord) -> int | None:
    """None for a record that no event log has written."""
    try:
        return published_at_us(record) // 1000
    except (KeyError, ValueError):
        return None


def _lag(names: GroupTopics, lanes: Iterable[Lane], tails: Mapping[Place, Tail]) -> int:
    topics = names.sources()
    return sum(
        lane.sources[name].lag(tails[topics[name], lane.number].end)
        for lane in lanes
        for name in SOURCES
    )
