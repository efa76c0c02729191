"""One SQLite file with one owner: durable commits, transactions that run whole."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

from clientsphere_common.errors import DependencyUnavailableError

T = TypeVar("T")

_BUSY_TIMEOUT_S = 5.0
# NORMAL would lose acknowledged commits when the power fails.
_DURABLE = "PRAGMA synchronous = FULL"


class SqliteFile:
    """Runs transactions one after the other on a thread of its own.

    A transaction is one function: a cancelled caller cannot leave half of it behind, and it
    costs one hop to the thread however many statements it has. The owner holds the lock of a file
    beside this one, which a killed process loses. `is_owner` False opens what an owner has made,
    whether it runs or not: SQLite keeps the transactions of both apart.
    """

    def __init__(self, path: Path, schema: str, *, is_owner: bool = True) -> None:
        self._path = path
        self._schema = schema
        self._is_owner = is_owner
        self._lock: BinaryIO | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-file")
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises DependencyUnavailableError when another process owns the file."""
        await self._on_thread(self._open)

    async def close(self) -> None:
        await self._on_thread(self._close)
        self._thread.shutdown(wait=False)

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction; what it wrote is on the disk when this returns.

        Raises DependencyUnavailableError after a failure of SQLite, and then nothing was written.
        """
        return await self._on_thread(lambda: self._transact(work, "BEGIN IMMEDIATE"))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which writes nothing, on one moment of the file, beside any writer."""
        return await self._on_thread(lambda: self._transact(work, "BEGIN"))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise DependencyUnavailableError(
                "event_log_unavailable", "The event log is not available."
            ) from error

    def _open(self) -> None:
        if self._is_owner:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._become_owner()
        db = self._connect()
        try:
            if self._is_owner:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(f"BEGIN IMMEDIATE; {self._schema} COMMIT;")
            db.execute(_DURABLE)
        except sqlite3.Error:
            db.close()
            raise
        self._db = db

    def _become_owner(self) -> None:
        # A file of its own: whoever closes the database's own file loses SQLite's locks on it.
        lock = self._path.with_name(f"{self._path.name}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise DependencyUnavailableError(
                "event_log_in_use", f"Another process owns the event log {self._path}."
            ) from error
        self._lock = lock

    def _connect(self) -> sqlite3.Connection:
        mode = "rwc" if self._is_owner else "rw"
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            # Autocommit: BEGIN and COMMIT are written where they happen.
            isolation_level=None,
        )

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _transact(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        if self._db is None:
            raise RuntimeError(f"{self._path} is not open")
        with self._db:
            self._db.execute(begin)
            return work(self._db)
