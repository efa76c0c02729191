"""One member of a consumer group on its own thread: it polls, commits, and gives lanes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, RetriableError

from clientsphere_common.events.kafka.assignor import LaneAssignor
from clientsphere_common.events.kafka.model import GroupTopics, KafkaSettings
from clientsphere_common.events.kafka.records import StoredRecord
from clientsphere_common.events.kafka.thread import KafkaThread

log = structlog.get_logger(__name__)

_POLL_MS = 100
_ALL = 2**31 - 1
_FETCH_BYTES = 256 * 1024
_COMMIT_TIMEOUT_MS = 2000
_HEARTBEATS_PER_SESSION = 5

GiveBack = Callable[[set[int], bool], Awaitable[None]]
Place = tuple[str, int]


@dataclass(frozen=True)
class Orders:
    """What the next poll is to do first; places are (topic, partition)."""

    seek: Mapping[Place, int] = field(default_factory=dict)
    full: frozenset[Place] = frozenset()
    commit: Mapping[Place, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """What a poll brought: records in the order of each place, and lanes that are new here."""

    records: Sequence[tuple[Place, Sequence[StoredRecord]]] = ()
    new_lanes: frozenset[int] = frozenset()
    committed: Mapping[Place, int] = field(default_factory=dict)


class GroupMember(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Polls all the time, however long handlers take, so the group never misses this member.

    `give_back(lanes, may_record)` is awaited on the event loop before lanes go to another member;
    `may_record` is false when they have gone already.
    """

    def __init__(self, settings: KafkaSettings, topics: GroupTopics, give_back: GiveBack) -> None:
        self._settings = settings
        self._topics = topics
        self._give_back = give_back
        self._thread = KafkaThread("kafka-member")
        self._loop = asyncio.get_running_loop()
        self._consumer: Any = None
        self._new_lanes: set[int] = set()
        self._is_leaving = False

    async def poll(self, orders: Orders) -> Batch:
        """Connect if needed, obey the orders, poll once."""
        return await self._thread.run(lambda: self._poll(orders))

    async def leave(self, commit: Mapping[Place, int]) -> None:
        await self._thread.run(lambda: self._leave(commit))
        self._thread.end()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._new_lanes |= {at.partition for at in assigned if at.topic == self._topics.main}

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._hand_over(revoked, may_record=True)

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self._hand_over(lost, may_record=False)

    def _hand_over(self, gone: set[TopicPartition], *, may_record: bool) -> None:
        lanes = {at.partition for at in gone if at.topic == self._topics.main}
        self._new_lanes -= lanes
        if self._is_leaving:
            return
        # Heartbeats stand still meanwhile, so it must be over well before the session is.
        patience_s = self._settings.session_timeout_s / 2
        handing_over = asyncio.run_coroutine_threadsafe(
            _awaited(self._give_back(lanes, may_record)), self._loop
        )
        try:
            handing_over.result(patience_s)
        except FutureTimeoutError:
            log.warning("lanes_given_back_late", group=self._topics.group_id, lanes=len(lanes))

    def _poll(self, orders: Orders) -> Batch:
        consumer = self._connected()
        mine = consumer.assignment()
        for place, offset in orders.seek.items():
            if TopicPartition(*place) in mine:
                consumer.seek(TopicPartition(*place), offset)
        full = {TopicPartition(*place) for place in orders.full} & mine
        consumer.pause(*(full - consumer.paused()))
        consumer.resume(*(consumer.paused() - full))
        committed = self._commit(
            {at: n for at, n in orders.commit.items() if TopicPartition(*at) in mine}
        )
        try:
            polled = consumer.poll(timeout_ms=_POLL_MS)
        except RetriableError as error:
            log.warning("poll_failed", group=self._topics.group_id, error=type(error).__name__)
            polled = {}
        new_lanes, self._new_lanes = frozenset(self._new_lanes), set()
        records = [((at.topic, at.partition), found) for at, found in polled.items()]
        return Batch(records, new_lanes, committed)

    def _commit(self, offsets: Mapping[Place, int]) -> Mapping[Place, int]:
        if not offsets:
            return {}
        marks = {
            TopicPartition(*place): OffsetAndMetadata(offset, "", -1)
            for place, offset in offsets.items()
        }
        try:
            self._consumer.commit(marks, timeout_ms=_COMMIT_TIMEOUT_MS)
        except KafkaError as error:
            # The next poll commits again; the record of the progress knows what was handled.
            log.info("commit_failed", group=self._topics.group_id, error=type(error).__name__)
            return {}
        return offsets

    def _connected(self) -> Any:
        if self._consumer is None:
            session_ms = int(self._settings.session_timeout_s * 1000)
            consumer = KafkaConsumer(
                group_id=self._topics.group_id,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                metrics_enabled=False,
                # What a poll leaves of a fetched batch never comes again after a pause (3.0.12),
                # so each poll takes all; the size of a fetch bounds it instead.
                max_poll_records=_ALL,
                max_partition_fetch_bytes=_FETCH_BYTES,
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=session_ms // _HEARTBEATS_PER_SESSION,
                max_poll_interval_ms=int(self._settings.max_poll_interval_s * 1000),
                partition_assignment_strategy=[LaneAssignor(self._topics.main, self._topics.retry)],
                **self._settings.client(),
            )
            consumer.subscribe([self._topics.main, self._topics.retry], listener=self)
            self._consumer = consumer
        return self._consumer

    def _leave(self, commit: Mapping[Place, int]) -> None:
        if self._consumer is None:
            return
        self._is_leaving = True
        self._commit(commit)
        self._consumer.close(timeout_ms=_COMMIT_TIMEOUT_MS)
        self._consumer = None


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
