"""The attempts of one consumer: counted in Kafka before they begin, settled when they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.attempt import (
    Failure,
    Outcome,
    attempt,
    delay_before_retry_s,
    log_outcome,
)
from clientsphere_common.events.kafka.backlog import Backlog
from clientsphere_common.events.kafka.cluster import KafkaCluster
from clientsphere_common.events.kafka.lane import Delivery
from clientsphere_common.events.kafka.lanes import OwnedLanes
from clientsphere_common.events.kafka.model import GroupTopics
from clientsphere_common.events.kafka.records import NewRecord, dead_letter_record
from clientsphere_common.events.model import DeadLetter, Subscription

_PROCESS_DIED = Failure("ProcessDied: the process ended during the attempt")

Ended = tuple[Delivery, Failure | None]


@dataclass(frozen=True)
class Verdict:
    """What follows from an ended attempt; with a cause and no retry the event is given up."""

    delivery: Delivery
    cause: str | None = None
    retry_at_ms: int | None = None
    counts: bool = True
    """Whether a failed attempt is one of those that the event has."""

    @property
    def is_given_up(self) -> bool:
        return self.cause is not None and self.retry_at_ms is None


class Attempts:
    """What is in hand. One write records what ended since the last and what begins now.

    All methods that write raise DependencyUnavailableError, and then may be called again.
    """

    def __init__(
        self,
        cluster: KafkaCluster,
        subscription: Subscription,
        names: GroupTopics,
        lanes: OwnedLanes,
        on_ended: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._subscription = subscription
        self._names = names
        self._lanes = lanes
        self._on_ended = on_ended
        self._backlog = Backlog()
        # Without a task while the attempt is being counted.
        self._in_hand: dict[Delivery, asyncio.Task[None] | None] = {}
        self._ended: list[Ended] = []
        self._is_draining = False

    def next_retry_at_ms(self) -> int | None:
        return self._backlog.next_retry_at_ms()

    def admit(self, delivery: Delivery) -> None:
        if delivery.is_suspect and delivery.attempts >= self._subscription.max_attempts:
            delivery.is_in_hand = True
            self._in_hand[delivery] = None
            self._ended.append((delivery, _PROCESS_DIED))
        self._backlog.add(delivery)

    async def settle(self) -> None:
        """Settle what ended; it is recorded with the next beginning."""
        ended, self._ended = self._ended, []
        await self._settle(ended)

    async def begin(self) -> None:
        """Take in hand what there is room for, record that, then start the handlers."""
        concurrency = 0 if self._is_draining else self._subscription.concurrency
        claimed = self._backlog.claim(self._in_hand, concurrency, self._cluster.now_ms())
        for delivery in claimed:
            self._in_hand[delivery] = None
            self._lanes.touch(delivery)
        try:
            await self._record()
        except DependencyUnavailableError:
            self._release(claimed)
            raise
        # A lane may have gone to another consumer while the attempts were recorded.
        mine = [delivery for delivery in claimed if delivery in self._in_hand]
        for _, run in groupby(mine, key=lambda delivery: delivery.event.key):
            self._start(list(run))

    async def drain(self, grace_s: float) -> None:
        """Begin nothing more, and give what is in hand the time to end by itself."""
        self._is_draining = True
        if handlers := self._handlers(self._in_hand):
            await asyncio.wait(handlers, timeout=grace_s)

    async def end(self, numbers: Collection[int], grace_s: float) -> None:
        """Let go of these lanes: finish or cut off what is in hand, and record where they stand."""
        self._backlog.drop(numbers)
        mine = self._of(numbers)
        await self._cut_off(mine, grace_s)
        ended = [pair for pair in self._ended if pair[0] in mine]
        self._ended = [pair for pair in self._ended if pair[0] not in mine]
        await self._settle(ended)
        self._release(mine)
        await self._record()

    async def abandon(self, numbers: Collection[int]) -> None:
        """Cut off what is in hand of lanes that are lost; their next owner suspects it."""
        self._backlog.drop(numbers)
        mine = self._of(numbers)
        await self._cut_off(mine, 0.0)
        self._ended = [pair for pair in self._ended if pair[0] not in mine]
        for delivery in mine:
            self._in_hand.pop(delivery, None)

    def _start(self, run: Sequence[Delivery]) -> None:
        handler = asyncio.create_task(self._handle(run))
        self._in_hand |= dict.fromkeys(run, handler)

    async def _handle(self, run: Sequence[Delivery]) -> None:
        """One after the other; those behind one that failed, or that is the last one, wait on."""
        waiting, failure = deque(run), None
        while waiting and failure is None and not self._is_draining:
            delivery = waiting.popleft()
            # In a task of its own: what it sets in its context is nothing to the next.
            failure = await asyncio.create_task(attempt(self._subscription, delivery.event))
            self._ended.append((delivery, failure))
            self._on_ended()
        self._release(waiting)

    async def _record(self) -> None:
        progress = self._lanes.take_progress()
        try:
            await self._cluster.writer.write(progress)
        except DependencyUnavailableError:
            self._lanes.progress_not_written(progress)
            raise

    async def _settle(self, ended: list[Ended]) -> None:
        verdicts = [self._verdict(delivery, failure) for delivery, failure in ended]
        try:
            # First: an event is given up only when its letter is stored.
            await self._cluster.writer.write(self._letters(verdicts))
        except DependencyUnavailableError:
            self._ended = ended + self._ended
            raise
        for verdict in verdicts:
            # Otherwise its lane was lost meanwhile, and the next owner decides.
            if verdict.delivery in self._in_hand:
                self._apply(verdict)

    def _apply(self, verdict: Verdict) -> None:
        delivery = verdict.delivery
        del self._in_hand[delivery]
        delivery.is_suspect = False
        if verdict.retry_at_ms is None:
            self._lanes.settle(delivery)
            self._backlog.settle(delivery)
        else:
            delivery.attempts -= 0 if verdict.counts else 1
            delivery.retry_at_ms = verdict.retry_at_ms
            self._lanes.touch(delivery)
            self._backlog.give_back(delivery)
        outcome = Outcome(delivery.event, delivery.attempts, verdict.cause, verdict.is_given_up)
        log_outcome(f"{self._subscription.topic}/{self._subscription.group}", outcome)

    def _release(self, deliveries: Iterable[Delivery]) -> None:
        """Give back what was cut off or not begun, as if its attempt had not been counted."""
        for delivery in deliveries:
            if delivery in self._in_hand:
                del self._in_hand[delivery]
                delivery.attempts -= 1
                self._lanes.touch(delivery)
                self._backlog.give_back(delivery)

    async def _cut_off(self, deliveries: Collection[Delivery], grace_s: float) -> None:
        handlers = self._handlers(deliveries)
        if not handlers:
            return
        _, late = await asyncio.wait(handlers, timeout=grace_s)
        for handler in late:
            handler.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _of(self, numbers: Collection[int]) -> list[Delivery]:
        return [delivery for delivery in self._in_hand if delivery.lane in numbers]

    def _handlers(self, deliveries: Iterable[Delivery]) -> list[asyncio.Task[None]]:
        handlers = (self._in_hand.get(delivery) for delivery in deliveries)
        return [handler for handler in handlers if handler is not None]

    def _verdict(self, delivery: Delivery, failure: Failure | None) -> Verdict:
        if failure is None:
            return Verdict(delivery)
        delay_s = delay_before_retry_s(self._subscription, delivery.attempts, failure)
        if delay_s is None:
            return Verdict(delivery, failure.cause)
        retry_at_ms = self._cluster.now_ms() + int(delay_s * 1000)
        return Verdict(delivery, failure.cause, retry_at_ms, counts=not failure.is_outage)

    def _letters(self, verdicts: Iterable[Verdict]) -> list[NewRecord]:
        now_ms = self._cluster.now_ms()
        return [
            dead_letter_record(
                DeadLetter(given_up.event, given_up.attempts, verdict.cause, now_ms),
                self._names.dead,
                given_up.published_at_us,
            )
            for verdict in verdicts
            if verdict.cause is not None and verdict.is_given_up
            for given_up in [verdict.delivery]
        ]
