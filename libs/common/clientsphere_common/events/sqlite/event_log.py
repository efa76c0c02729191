"""The event log of the embedded shape: one SQLite file, owned by one process."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.sqlite.consumer import SqliteEventConsumer
from clientsphere_common.events.sqlite.events import SCHEMA, append_event, trim_events
from clientsphere_common.events.sqlite.file import SqliteFile
from clientsphere_common.events.sqlite.group import enqueue
from clientsphere_common.events.sqlite.news import News
from clientsphere_common.events.sqlite.operations import SqliteEventOperations

_TRIM_BATCH = 1000


class SqliteEventLog(SqliteEventOperations):
    """Keeps events in the file at `path` and hands them out.

    Everything survives kill -9, and what `publish` has acknowledged survives a power loss. A
    second process is refused at `start`. News wake the consumers of this process at once; what
    an operator replays from another process is found within `poll_interval_s`.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        retention_s: float = 7 * 24 * 3600.0,
        poll_interval_s: float = 5.0,
    ) -> None:
        super().__init__(SqliteFile(path, SCHEMA))
        self._clock = clock
        self._retention_s = retention_s
        self._poll_interval_s = poll_interval_s
        self._news = News()

    async def start(self) -> None:
        """Raises DependencyUnavailableError when another process owns the file."""
        await super().start()
        await self._file.transact(_suspect_what_was_in_hand)

    async def check(self) -> None:
        """Raises DependencyUnavailableError when the file can no longer be read."""
        await self._file.read(lambda db: db.execute("SELECT 1 FROM consumer_groups").fetchone())

    async def publish(self, events: Sequence[Event]) -> None:
        await self._file.transact(partial(_append, events=events, now_ms=self._now_ms()))
        for topic in {event.topic for event in events}:
            self._news.ring(topic)

    def consumer(self, subscription: Subscription) -> SqliteEventConsumer:
        return SqliteEventConsumer(
            self._file, subscription, self._news, self._clock, self._poll_interval_s
        )

    async def replay(self, topic: str, group: str, event_ids: Iterable[str]) -> int:
        replayed = await super().replay(topic, group, event_ids)
        self._news.ring(topic)
        return replayed

    async def trim(self) -> int:
        """Delete events older than the retention that every group has handled; return how many.

        Dead letters stay until they are replayed. An event published again after it was
        trimmed is a new event.
        """
        stored_before_ms = self._now_ms() - int(self._retention_s * 1000)
        trimmed = 0
        while deleted := await self._file.transact(
            partial(trim_events, stored_before_ms=stored_before_ms, limit=_TRIM_BATCH)
        ):
            trimmed += deleted
        return trimmed

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _suspect_what_was_in_hand(db: sqlite3.Connection) -> None:
    db.execute("UPDATE deliveries SET state = 'suspect' WHERE state IN ('in_hand', 'on_trial')")


def _append(db: sqlite3.Connection, events: Sequence[Event], now_ms: int) -> None:
    groups: dict[str, list[int]] = defaultdict(list)
    for topic, group_id in db.execute("SELECT topic, id FROM consumer_groups"):
        groups[topic].append(group_id)
    for event in events:
        seq = append_event(db, event, now_ms)
        if seq is not None:
            for group_id in groups[event.topic]:
                enqueue(db, group_id, seq)
