"""One group's deliveries in SQL: what may be in hand next, and what becomes of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from clientsphere_common.events.model import Event
from clientsphere_common.events.sqlite.events import read_event

_ENQUEUE = """
INSERT INTO deliveries (seq, group_id, key, tenant_id, state)
SELECT seq, :group_id, key, tenant_id,
    iif(EXISTS (SELECT 1 FROM deliveries AS earlier
                WHERE earlier.group_id = :group_id AND earlier.key = events.key), 'queued', 'ready')
FROM events WHERE seq = :seq
"""
_ENQUEUE_ALL = """
INSERT INTO deliveries (seq, group_id, key, tenant_id, state)
SELECT seq, ?, key, tenant_id,
    iif(row_number() OVER (PARTITION BY key ORDER BY seq) = 1, 'ready', 'queued')
FROM events WHERE topic = ?
"""
_PROMOTE_FIRST_OF_KEY = """
UPDATE deliveries SET state = 'ready' WHERE group_id = :group_id
AND seq = (SELECT min(seq) FROM deliveries WHERE group_id = :group_id AND key = :key)
"""
_START_OLDEST_OF_TENANT = """
UPDATE deliveries SET state = 'in_hand', attempts = attempts + 1 WHERE group_id = :group_id
AND seq = (SELECT seq FROM deliveries WHERE group_id = :group_id AND tenant_id = :tenant_id
           AND state = 'ready' ORDER BY seq LIMIT 1)
RETURNING seq, attempts
"""
_TRY_OLDEST_SUSPECT = """
UPDATE deliveries SET state = 'on_trial', attempts = attempts + 1 WHERE group_id = :group_id
AND seq = (SELECT seq FROM deliveries WHERE group_id = :group_id
           AND state = 'suspect' ORDER BY seq LIMIT 1)
AND NOT EXISTS (SELECT 1 FROM deliveries WHERE state = 'on_trial')
RETURNING seq, attempts
"""
_FIRST_READY_TENANT = """
SELECT tenant_id FROM deliveries WHERE group_id = ? AND state = 'ready'
ORDER BY tenant_id LIMIT 1
"""
_NEXT_READY_TENANT = """
SELECT tenant_id FROM deliveries WHERE group_id = ? AND state = 'ready' AND tenant_id > ?
ORDER BY tenant_id LIMIT 1
"""


@dataclass(frozen=True)
class Delivery:
    """An event in hand.

    `attempts` counts the one under way; a suspect was in hand when the process died.
    """

    seq: int
    attempts: int
    event: Event
    is_suspect: bool = False


@dataclass(frozen=True)
class Settlement:
    """How an attempt ended: handled without a cause, given up with a cause and no time to retry."""

    delivery: Delivery
    cause: str | None = None
    retry_at_ms: int | None = None
    counts: bool = True
    """Whether a failed attempt is one of those that the event has."""


def find_group(db: sqlite3.Connection, topic: str, name: str) -> int | None:
    found = db.execute(
        "SELECT id FROM consumer_groups WHERE topic = ? AND name = ?", (topic, name)
    ).fetchone()
    return None if found is None else int(found[0])


def enlist(db: sqlite3.Connection, topic: str, name: str) -> int:
    """Find the group, or create it with everything the topic holds; return its id."""
    known_id = find_group(db, topic, name)
    if known_id is not None:
        return known_id
    ((new_id,),) = db.execute(
        "INSERT INTO consumer_groups (topic, name) VALUES (?, ?) RETURNING id", (topic, name)
    ).fetchall()
    db.execute(_ENQUEUE_ALL, (new_id, topic))
    return int(new_id)


def enqueue(db: sqlite3.Connection, group_id: int, seq: int) -> None:
    db.execute(_ENQUEUE, {"group_id": group_id, "seq": seq})


class GroupQueue:
    """What one consumer takes from its group and gives back.

    All methods run inside a transaction, on the thread of the file.
    """

    def __init__(self, group_id: int) -> None:
        self._group_id = group_id
        self._tenant_served_last = ""

    def claim(
        self,
        db: sqlite3.Connection,
        in_hand: Collection[Delivery],
        concurrency: int,
        now_ms: int,
    ) -> list[Delivery]:
        """Start as many attempts as `in_hand` leaves room for, and count each.

        Only one suspect of the whole log is in hand at a time: what takes the process down again
        has no other beside it, and events that only kept it company are not given up with it.
        """
        self._wake_waiting(db, now_ms)
        free = concurrency - len(in_hand)
        if free <= 0:
            return []
        claimed = self._start(db, _TRY_OLDEST_SUSPECT, is_suspect=True)
        load = Counter(delivery.event.tenant_id for delivery in (*in_hand, *claimed))
        tenants = self._ready_tenants(db, limit=free + len(load))
        while tenants and len(claimed) < free:
            tenant_id = min(tenants, key=load.__getitem__)
            started = self._start(db, _START_OLDEST_OF_TENANT, tenant_id=tenant_id)
            if not started:
                tenants.remove(tenant_id)
                continue
            claimed += started
            load[tenant_id] += 1
            self._tenant_served_last = tenant_id
        return claimed

    def next_retry_at_ms(self, db: sqlite3.Connection) -> int | None:
        (retry_at_ms,) = db.execute(
            "SELECT min(retry_at_ms) FROM deliveries WHERE group_id = ? AND state = 'waiting'",
            (self._group_id,),
        ).fetchone()
        return retry_at_ms if retry_at_ms is None else int(retry_at_ms)

    def settle(
        self, db: sqlite3.Connection, settlements: Iterable[Settlement], now_ms: int
    ) -> None:
        for settlement in settlements:
            delivery = settlement.delivery
            if settlement.retry_at_ms is not None:
                db.execute(
                    "UPDATE deliveries SET state = 'waiting', retry_at_ms = ?, "
                    "attempts = attempts - ? WHERE seq = ? AND group_id = ?",
                    (
                        settlement.retry_at_ms,
                        0 if settlement.counts else 1,
                        delivery.seq,
                        self._group_id,
                    ),
                )
                continue
            if settlement.cause is not None:
                db.execute(
                    "INSERT INTO dead_letters (seq, group_id, attempts, cause, failed_at_ms) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (delivery.seq, self._group_id, delivery.attempts, settlement.cause, now_ms),
                )
            self._remove(db, delivery)

    def release(self, db: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
        """Give back what was cut off, as if its attempt had not begun."""
        for delivery in deliveries:
            db.execute(
                "UPDATE deliveries SET state = ?, attempts = attempts - 1 "
                "WHERE seq = ? AND group_id = ?",
                ("suspect" if delivery.is_suspect else "ready", delivery.seq, self._group_id),
            )

    def exhausted_suspects(self, db: sqlite3.Connection, max_attempts: int) -> list[Delivery]:
        """List what was in hand when the process died, for the last time that it may be tried."""
        started = db.execute(
            "SELECT seq, attempts FROM deliveries "
            "WHERE group_id = ? AND state = 'suspect' AND attempts >= ? ORDER BY seq",
            (self._group_id, max_attempts),
        ).fetchall()
        return _deliveries(db, started, is_suspect=True)

    def _wake_waiting(self, db: sqlite3.Connection, now_ms: int) -> None:
        db.execute(
            "UPDATE deliveries SET state = 'ready', retry_at_ms = NULL "
            "WHERE group_id = ? AND state = 'waiting' AND retry_at_ms <= ?",
            (self._group_id, now_ms),
        )

    def _ready_tenants(self, db: sqlite3.Connection, limit: int) -> list[str]:
        """List tenants that have something ready, in rotation from the one served last.

        With `limit` = free places + tenants in hand, either all are listed or enough that have
        nothing in hand, so a claim costs the same whether ten or ten thousand tenants wait.
        """
        tenants: list[str] = []
        cursor = self._tenant_served_last
        while len(tenants) < limit:
            row = (
                db.execute(_NEXT_READY_TENANT, (self._group_id, cursor)).fetchone()
                or db.execute(_FIRST_READY_TENANT, (self._group_id,)).fetchone()
            )
            if row is None or row[0] in tenants:
                break
            cursor = row[0]
            tenants.append(cursor)
        return tenants

    def _start(
        self,
        db: sqlite3.Connection,
        statement: str,
        *,
        is_suspect: bool = False,
        tenant_id: str = "",
    ) -> list[Delivery]:
        parameters = {"group_id": self._group_id, "tenant_id": tenant_id}
        # All rows are fetched: a statement left open would keep the transaction from committing.
        started = db.execute(statement, parameters).fetchall()
        return _deliveries(db, started, is_suspect=is_suspect)

    def _remove(self, db: sqlite3.Connection, delivery: Delivery) -> None:
        db.execute(
            "DELETE FROM deliveries WHERE seq = ? AND group_id = ?", (delivery.seq, self._group_id)
        )
        db.execute(_PROMOTE_FIRST_OF_KEY, {"group_id": self._group_id, "key": delivery.event.key})


def _deliveries(
    db: sqlite3.Connection, started: Iterable[tuple[int, int]], *, is_suspect: bool
) -> list[Delivery]:
    return [Delivery(seq, attempts, read_event(db, seq), is_suspect) for seq, attempts in started]
