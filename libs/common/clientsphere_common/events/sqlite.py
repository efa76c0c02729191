"""The event log of the embedded shape: one SQLite file, owned by one process."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from clientsphere_common.events.model import DeadLetter, Event, Subscription
from clientsphere_common.events.sqlite_consumer import SqliteEventConsumer
from clientsphere_common.events.sqlite_events import SCHEMA, append_event, read_event, trim_events
from clientsphere_common.events.sqlite_file import SqliteFile
from clientsphere_common.events.sqlite_group import enqueue, find_group
from clientsphere_common.events.sqlite_news import News

_TRIM_BATCH = 1000


class SqliteEventLog:
    """Keeps events in the file at `path` and hands them out.

    Everything survives kill -9, and what `publish` has acknowledged survives a power loss. A
    second process is refused at `start`. `poll_interval_s` is a safety net only: news wake the
    consumers of this process at once.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        retention_s: float = 7 * 24 * 3600.0,
        poll_interval_s: float = 5.0,
    ) -> None:
        self._file = SqliteFile(path, SCHEMA)
        self._clock = clock
        self._retention_s = retention_s
        self._poll_interval_s = poll_interval_s
        self._news = News()

    @property
    def name(self) -> str:
        return "event log"

    async def start(self) -> None:
        """Raises DependencyUnavailableError when another process owns the file."""
        await self._file.open()
        await self._file.transact(_suspect_what_was_in_hand)

    async def stop(self) -> None:
        """Close the file; consumers are to be stopped before."""
        await self._file.close()

    async def publish(self, events: Sequence[Event]) -> None:
        await self._file.transact(partial(_append, events=events, now_ms=self._now_ms()))
        for topic in {event.topic for event in events}:
            self._news.ring(topic)

    def consumer(self, subscription: Subscription) -> SqliteEventConsumer:
        return SqliteEventConsumer(
            self._file, subscription, self._news, self._clock, self._poll_interval_s
        )

    async def lag(self, topic: str, group: str) -> int:
        return await self._file.transact(partial(_lag, topic=topic, group=group))

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        return await self._file.transact(
            partial(_dead_letters, topic=topic, group=group, limit=limit)
        )

    async def replay(self, topic: str, group: str, event_ids: Iterable[str]) -> int:
        replayed = await self._file.transact(
            partial(_replay, topic=topic, group=group, event_ids=list(event_ids))
        )
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


def _lag(db: sqlite3.Connection, topic: str, group: str) -> int:
    group_id = find_group(db, topic, group)
    if group_id is None:
        (lag,) = db.execute("SELECT count(*) FROM events WHERE topic = ?", (topic,)).fetchone()
    else:
        (lag,) = db.execute(
            "SELECT count(*) FROM deliveries WHERE group_id = ?", (group_id,)
        ).fetchone()
    return int(lag)


def _dead_letters(db: sqlite3.Connection, topic: str, group: str, limit: int) -> list[DeadLetter]:
    rows = db.execute(
        "SELECT seq, attempts, cause, failed_at_ms FROM dead_letters "
        "WHERE group_id = ? ORDER BY seq LIMIT ?",
        (find_group(db, topic, group), limit),
    ).fetchall()
    return [DeadLetter(read_event(db, seq), *facts) for seq, *facts in rows]


def _replay(db: sqlite3.Connection, topic: str, group: str, event_ids: list[str]) -> int:
    replayed = [
        row
        for event_id in event_ids
        for row in db.execute(
            "DELETE FROM dead_letters WHERE group_id = ? AND seq = "
            "(SELECT seq FROM events WHERE topic = ? AND id = ?) RETURNING group_id, seq",
            (find_group(db, topic, group), topic, event_id),
        ).fetchall()
    ]
    for group_id, seq in replayed:
        enqueue(db, group_id, seq)
    return len(replayed)
