"""Opens a service's database with the settings that durability and concurrency need."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from clientsphere_common.db import postgres
from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.postgres_password import ServicePassword

_BUSY_TIMEOUT_MS = 10_000
_MODE_TRIES = 100
_MODE_PAUSE_S = 0.02
_READ_ONLY = "clientsphere_read_only"


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def open_engine(
    url: str, limits: DatabaseLimits | None = None, password: ServicePassword | None = None
) -> AsyncEngine:
    """An engine for `url`. SQLite: write-ahead log, foreign keys, every commit on disk."""
    if make_url(url).get_backend_name() == postgres.NAME:
        return postgres.open_postgres(url, limits or DatabaseLimits(), password)
    # Values are what tenants wrote: they stay out of messages of errors, and so out of logs.
    engine = create_async_engine(url, hide_parameters=True)
    _set_up(engine.sync_engine)
    return engine


def open_blocking_engine(url: str) -> Engine:
    """The same without asyncio and without a pool, for migrations."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite")
    engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True)
    _set_up(engine)
    return engine


def _set_up(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _choose_connection)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin)


class _Connection(sqlite3.Connection):
    """Gives up its transaction when it is closed.

    A cancelled request leaves a statement unfinished. SQLite would then keep the connection, and
    with it the lock that all other writers wait for, until Python has collected the statement.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


def _choose_connection(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
    parameters["factory"] = _Connection


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver would start transactions late and only for some statements: we start them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    # FULL, not NORMAL: a commit that was acknowledged survives a power loss too.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Of two connections that change the mode of a new file, SQLite refuses one without waiting."""
    for _ in range(_MODE_TRIES - 1):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(_MODE_PAUSE_S)
        else:
            return
    cursor.execute("PRAGMA journal_mode = WAL")


def read_only(engine: AsyncEngine) -> AsyncEngine:
    """A view of `engine` whose transactions never wait for a writer; they share its pool."""
    if engine.dialect.name == postgres.NAME:
        return postgres.read_only_postgres(engine)
    return engine.execution_options(**{_READ_ONLY: True})


def _begin(connection: Any) -> None:
    # A transaction that starts reading and writes later would fail with "database is locked"
    # without waiting; one that announces its write at the start waits its turn.
    is_read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")
