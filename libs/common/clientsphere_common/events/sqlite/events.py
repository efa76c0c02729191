"""The format of the event-log file, and how events get into it, out of it and away from it."""

from __future__ import annotations

import json
import sqlite3

from clientsphere_common.events.model import Event

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq            INTEGER PRIMARY KEY,
    topic          TEXT NOT NULL,
    id             TEXT NOT NULL,
    key            TEXT NOT NULL,
    type           TEXT NOT NULL,
    tenant_id      TEXT NOT NULL,
    payload        BLOB NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    headers        TEXT NOT NULL,
    stored_at_ms   INTEGER NOT NULL,
    UNIQUE (topic, id)
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_age ON events (stored_at_ms);

CREATE TABLE IF NOT EXISTS consumer_groups (
    id    INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    name  TEXT NOT NULL,
    UNIQUE (topic, name)
) STRICT;

-- What a group still has to handle; a row goes away when its event is handled or given up.
-- At most one event of a key is out of 'queued'. A 'suspect' was in hand when the process died,
-- 'on_trial' is a suspect in hand.
CREATE TABLE IF NOT EXISTS deliveries (
    seq         INTEGER NOT NULL,
    group_id    INTEGER NOT NULL,
    key         TEXT NOT NULL,
    tenant_id   TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (
        state IN ('queued', 'ready', 'in_hand', 'waiting', 'suspect', 'on_trial')
    ),
    attempts    INTEGER NOT NULL DEFAULT 0,
    retry_at_ms INTEGER,
    PRIMARY KEY (seq, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_key ON deliveries (group_id, key, seq);
CREATE INDEX IF NOT EXISTS deliveries_ready ON deliveries (group_id, tenant_id, seq)
    WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries (group_id, retry_at_ms)
    WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_suspect ON deliveries (group_id, seq)
    WHERE state = 'suspect';
CREATE INDEX IF NOT EXISTS deliveries_on_trial ON deliveries (seq) WHERE state = 'on_trial';

CREATE TABLE IF NOT EXISTS dead_letters (
    seq          INTEGER NOT NULL,
    group_id     INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    cause        TEXT NOT NULL,
    failed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (seq, group_id)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
"""


def append_event(db: sqlite3.Connection, event: Event, now_ms: int) -> int | None:
    """Return the sequence number of the stored event, None when its topic holds the id already."""
    stored = db.execute(
        "INSERT INTO events (id, topic, key, type, tenant_id, payload, occurred_at_ms, headers, "
        "stored_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (topic, id) DO NOTHING RETURNING seq",
        (
            event.id,
            event.topic,
            event.key,
            event.type,
            event.tenant_id,
            event.payload,
            event.occurred_at_ms,
            json.dumps(dict(event.headers)),
            now_ms,
        ),
    ).fetchall()
    return int(stored[0][0]) if stored else None


def read_event(db: sqlite3.Connection, seq: int) -> Event:
    event_id, topic, key, type_, tenant_id, payload, occurred_at_ms, headers = db.execute(
        "SELECT id, topic, key, type, tenant_id, payload, occurred_at_ms, headers "
        "FROM events WHERE seq = ?",
        (seq,),
    ).fetchone()
    return Event(
        event_id, topic, key, type_, tenant_id, payload, occurred_at_ms, json.loads(headers)
    )


def trim_events(db: sqlite3.Connection, stored_before_ms: int, limit: int) -> int:
    """Delete up to `limit` old events that no group waits for or gave up; return how many."""
    return db.execute(
        """
        DELETE FROM events WHERE seq IN (
            SELECT seq FROM events WHERE stored_at_ms < ?
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.seq = events.seq)
            AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE dead_letters.seq = events.seq)
            LIMIT ?
        )
        """,
        (stored_before_ms, limit),
    ).rowcount
