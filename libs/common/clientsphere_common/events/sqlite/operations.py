"""What operators ask of the event-log file, in its process or beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import partial

from clientsphere_common.events.model import DeadLetter, Standing
from clientsphere_common.events.sqlite.events import read_event
from clientsphere_common.events.sqlite.file import SqliteFile
from clientsphere_common.events.sqlite.group import enqueue, find_group

_STANDINGS = """
SELECT topic, name,
    (SELECT count(*) FROM deliveries WHERE group_id = consumer_groups.id),
    (SELECT stored_at_ms FROM events WHERE seq =
        (SELECT min(seq) FROM deliveries WHERE group_id = consumer_groups.id)),
    (SELECT count(*) FROM dead_letters WHERE group_id = consumer_groups.id)
FROM consumer_groups ORDER BY topic, name
"""


class SqliteEventOperations:
    """A module that needs not own the file: what it changes, the owner finds like its own."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @property
    def name(self) -> str:
        return "event log"

    async def start(self) -> None:
        """Raises DependencyUnavailableError when the file cannot be had."""
        await self._file.open()

    async def stop(self) -> None:
        """Close the file; consumers are to be stopped before."""
        await self._file.close()

    async def standings(self) -> list[Standing]:
        rows = await self._file.read(lambda db: db.execute(_STANDINGS).fetchall())
        return [Standing(*row) for row in rows]

    async def lag(self, topic: str, group: str) -> int:
        return await self._file.read(partial(_lag, topic=topic, group=group))

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        return await self._file.read(partial(_dead_letters, topic=topic, group=group, limit=limit))

    async def replay(self, topic: str, group: str, event_ids: Iterable[str]) -> int:
        return await self._file.transact(
            partial(_replay, topic=topic, group=group, event_ids=list(event_ids))
        )


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
