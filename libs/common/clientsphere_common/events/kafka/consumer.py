"""The loop of one consumer over Kafka: poll, settle, count, hand over; commit last."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.kafka.attempts import Attempts
from clientsphere_common.events.kafka.cluster import KafkaCluster
from clientsphere_common.events.kafka.lanes import OwnedLanes
from clientsphere_common.events.kafka.member import Batch, GroupMember
from clientsphere_common.events.kafka.model import group_topics
from clientsphere_common.events.model import Subscription

log = structlog.get_logger(__name__)

_PAUSE_AFTER_FAILURE_S = 0.5


class KafkaEventConsumer:
    """Serves one subscription as one member of its group.

    Polls go on beside everything else, so handlers may take as long as they like. Everything here
    runs on the event loop; the member, the writer and the reader call Kafka on threads of their
    own. While Kafka is away, the consumer keeps trying.
    """

    def __init__(self, cluster: KafkaCluster, subscription: Subscription) -> None:
        self._cluster = cluster
        self._subscription = subscription
        self._names = group_topics(cluster.settings, subscription.topic, subscription.group)
        self._bell = asyncio.Event()
        self._lanes = OwnedLanes(cluster, self._names, subscription.topic)
        self._attempts = Attempts(
            cluster, subscription, self._names, self._lanes, on_ended=self._bell.set
        )
        self._loop: asyncio.Task[None] | None = None
        self._poll: asyncio.Task[Batch] | None = None
        self._has_drained = False

    @property
    def name(self) -> str:
        return f"{self._subscription.topic}/{self._subscription.group}"

    async def start(self) -> None:
        """Return at once; the group admits the consumer in the background."""
        self._loop = asyncio.create_task(self._run(), name=f"consumer {self.name}")

    async def stop(self) -> None:
        if self._loop is None:
            return
        await self._attempts.drain(self._subscription.stop_grace_s)
        self._has_drained = True
        self._bell.set()
        await asyncio.wait({self._loop})
        if not self._loop.cancelled() and (error := self._loop.exception()):
            log.error("consumer_died", consumer=self.name, error=type(error).__name__)

    async def watch(self) -> None:
        if self._loop is None:
            raise RuntimeError(f"consumer {self.name} was not started")
        # Unlike awaiting the task, this does not cancel the loop when the watcher is cancelled.
        await asyncio.wait({self._loop})
        self._loop.result()

    async def _run(self) -> None:
        member = GroupMember(self._cluster.settings, self._names, self._give_back)
        has_topics = False
        try:
            while not self._has_drained:
                self._bell.clear()
                try:
                    if not has_topics:
                        await self._cluster.topics.ensure_group(self._names)
                        has_topics = True
                    await self._turn(member)
                    rest_s = self._rest_s()
                except DependencyUnavailableError as error:
                    self._log_away(error)
                    rest_s = _PAUSE_AFTER_FAILURE_S
                await self._rest(rest_s)
        finally:
            await self._leave(member)

    async def _turn(self, member: GroupMember) -> None:
        self._take_what_was_read(member)
        await self._lanes.load()
        await self._attempts.settle()
        await self._attempts.begin()

    def _take_what_was_read(self, member: GroupMember) -> None:
        """Take what the last poll brought and begin the next, so that there is always one."""
        if self._poll is not None and not self._poll.done():
            return
        poll = self._poll
        try:
            if poll is not None:
                self._receive(poll.result())
        finally:
            self._poll = asyncio.create_task(member.poll(self._lanes.orders()))
            self._poll.add_done_callback(lambda _: self._bell.set())

    def _receive(self, batch: Batch) -> None:
        self._lanes.note_committed(batch.committed)
        self._lanes.expect(batch.new_lanes)
        for delivery in self._lanes.receive(batch.records):
            self._attempts.admit(delivery)

    async def _give_back(self, numbers: set[int], may_record: bool) -> None:
        settings = self._cluster.settings
        if may_record:
            grace_s = min(self._subscription.stop_grace_s, settings.session_timeout_s / 4)
            try:
                await self._attempts.end(numbers, grace_s)
            except DependencyUnavailableError as error:
                self._log_away(error)
        else:
            await self._attempts.abandon(numbers)
        self._lanes.drop(numbers)
        log.info("lanes_given_back", consumer=self.name, lanes=len(numbers), recorded=may_record)

    async def _leave(self, member: GroupMember) -> None:
        if self._poll is not None:
            # Its failure, if any, no longer matters.
            await asyncio.gather(self._poll, return_exceptions=True)
        with suppress(DependencyUnavailableError):
            await self._attempts.end(self._lanes.numbers(), grace_s=0.0)
        with suppress(DependencyUnavailableError):
            await member.leave(self._lanes.uncommitted())

    def _rest_s(self) -> float:
        """How long there is nothing to do unless the bell rings."""
        retry_at_ms = self._attempts.next_retry_at_ms()
        if retry_at_ms is None:
            return self._cluster.settings.session_timeout_s
        return max(0.0, retry_at_ms / 1000 - self._cluster.clock())

    async def _rest(self, rest_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._bell.wait()

    def _log_away(self, error: DependencyUnavailableError) -> None:
        cause = type(error.__cause__ or error).__name__
        log.warning("event_log_away", consumer=self.name, error=cause)
