"""The loop of one consumer over the event-log file: claim, hand over, settle."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from clientsphere_common.events.attempt import (
    Failure,
    Outcome,
    attempt,
    delay_before_retry_s,
    log_outcome,
)
from clientsphere_common.events.model import Subscription
from clientsphere_common.events.sqlite.file import SqliteFile
from clientsphere_common.events.sqlite.group import Delivery, GroupQueue, Settlement, enlist
from clientsphere_common.events.sqlite.news import News

log = structlog.get_logger(__name__)


class SqliteEventConsumer:
    """Serves one subscription.

    Each turn of the loop is one transaction: it settles all attempts that ended since the last
    turn and counts the new ones before their handlers start. So a group of quick handlers shares
    one write to the disk.
    """

    def __init__(
        self,
        file: SqliteFile,
        subscription: Subscription,
        news: News,
        clock: Callable[[], float],
        poll_interval_s: float,
    ) -> None:
        self._file = file
        self._subscription = subscription
        self._news = news
        self._bell = news.new_bell(subscription.topic)
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._loop: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._in_hand: dict[int, Delivery] = {}
        self._ended: list[tuple[Delivery, Failure | None]] = []
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return f"{self._subscription.topic}/{self._subscription.group}"

    async def start(self) -> None:
        queue = await self._join_group()
        self._loop = asyncio.create_task(self._run(queue), name=f"consumer {self.name}")

    async def stop(self) -> None:
        self._is_stopping = True
        self._bell.set()
        if self._loop is None:
            return
        await asyncio.wait({self._loop})
        if not self._loop.cancelled() and (error := self._loop.exception()):
            log.error("consumer_died", consumer=self.name, error=type(error).__name__)

    async def watch(self) -> None:
        if self._loop is None:
            raise RuntimeError(f"consumer {self.name} was not started")
        # Unlike awaiting the task, this does not cancel the loop when the watcher is cancelled.
        await asyncio.wait({self._loop})
        self._loop.result()

    async def _join_group(self) -> GroupQueue:
        subscription = self._subscription

        def join(db: sqlite3.Connection) -> tuple[GroupQueue, list[Settlement]]:
            queue = GroupQueue(enlist(db, subscription.topic, subscription.group))
            fatal = [
                Settlement(suspect, cause="ProcessDied: the process ended during the attempt")
                for suspect in queue.exhausted_suspects(db, subscription.max_attempts)
            ]
            queue.settle(db, fatal, self._now_ms())
            return queue, fatal

        queue, settlements = await self._file.transact(join)
        self._log(settlements)
        return queue

    async def _run(self, queue: GroupQueue) -> None:
        grace_s = 0.0
        try:
            while not self._is_stopping:
                self._bell.clear()
                rest_s = await self._turn(queue)
                await self._rest(rest_s)
            grace_s = self._subscription.stop_grace_s
        finally:
            await self._finish(queue, grace_s)

    async def _turn(self, queue: GroupQueue) -> float:
        """Settle and claim; return how long there is nothing to do unless the bell rings."""
        settlements = self._take_ended()
        in_hand = list(self._in_hand.values())
        concurrency, now_ms = self._subscription.concurrency, self._now_ms()

        def turn(db: sqlite3.Connection) -> tuple[list[Delivery], int | None]:
            queue.settle(db, settlements, now_ms)
            claimed = queue.claim(db, in_hand, concurrency, now_ms)
            return claimed, queue.next_retry_at_ms(db)

        claimed, retry_at_ms = await self._file.transact(turn)
        self._log(settlements)
        if any(settlement.delivery.is_suspect for settlement in settlements):
            # Another consumer's suspect may be tried now.
            self._news.ring_all()
        for delivery in claimed:
            self._take_in_hand(delivery)
        if retry_at_ms is None:
            return self._poll_interval_s
        return min(self._poll_interval_s, max(0.0, retry_at_ms / 1000 - self._clock()))

    def _take_ended(self) -> list[Settlement]:
        ended, self._ended = self._ended, []
        for delivery, _ in ended:
            del self._in_hand[delivery.seq]
        return [self._settlement(delivery, failure) for delivery, failure in ended]

    def _settlement(self, delivery: Delivery, failure: Failure | None) -> Settlement:
        if failure is None:
            return Settlement(delivery)
        delay_s = delay_before_retry_s(self._subscription, delivery.attempts, failure)
        if delay_s is None:
            return Settlement(delivery, failure.cause)
        retry_at_ms = self._now_ms() + int(delay_s * 1000)
        return Settlement(delivery, failure.cause, retry_at_ms, counts=not failure.is_outage)

    def _take_in_hand(self, delivery: Delivery) -> None:
        self._in_hand[delivery.seq] = delivery
        if self._is_stopping:
            return
        handler = asyncio.create_task(self._handle(delivery))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    async def _handle(self, delivery: Delivery) -> None:
        failure = await attempt(self._subscription, delivery.event)
        self._ended.append((delivery, failure))
        self._bell.set()

    async def _rest(self, rest_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._bell.wait()

    async def _finish(self, queue: GroupQueue, grace_s: float) -> None:
        """Wait for the handlers in hand, cancel the late ones and give their events back."""
        if self._handlers:
            _, late = await asyncio.wait(self._handlers, timeout=grace_s)
            for handler in late:
                handler.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        settlements = self._take_ended()
        cut_off = list(self._in_hand.values())
        now_ms = self._now_ms()

        def finish(db: sqlite3.Connection) -> None:
            queue.settle(db, settlements, now_ms)
            queue.release(db, cut_off)

        await self._file.transact(finish)
        self._log(settlements)
        # Other consumers may take what was given back.
        self._news.ring_all()

    def _log(self, settlements: Iterable[Settlement]) -> None:
        for settlement in settlements:
            delivery, cause = settlement.delivery, settlement.cause
            is_given_up = cause is not None and settlement.retry_at_ms is None
            log_outcome(self.name, Outcome(delivery.event, delivery.attempts, cause, is_given_up))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
