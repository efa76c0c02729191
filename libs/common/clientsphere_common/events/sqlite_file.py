"""One SQLite file that this process owns: durable commits, transactions that run whole."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from clientsphere_common.errors import DependencyUnavailableError

T = TypeVar("T")

_PRAGMAS = (
    # Taken before the first access, so that a second process is refused instead of sharing.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    # NORMAL would lose acknowledged commits when the power fails.
    "PRAGMA synchronous = FULL",
)


class SqliteFile:
    """Runs transactions one after the other on a thread of its own.

    A transaction is one function: a cancelled caller cannot leave half of it behind, and it
    costs one hop to the thread however many statements it has.
    """

    def __init__(self, path: Path, schema: str, *, busy_timeout_s: float = 5.0) -> None:
        self._path = path
        self._schema = schema
        self._busy_timeout_s = busy_timeout_s
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
        return await self._on_thread(lambda: self._transact(work))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: BEGIN and COMMIT are written where they happen.
        db = sqlite3.connect(self._path, timeout=self._busy_timeout_s, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                db.execute(pragma)
            db.executescript(f"BEGIN IMMEDIATE; {self._schema} COMMIT;")
        except sqlite3.Error:
            db.close()
            raise
        self._db = db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._db is None:
            raise RuntimeError(f"{self._path} is not open")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return work(self._db)

    def _translated(self, error: sqlite3.Error) -> DependencyUnavailableError:
        # Absent on the errors that Python's module raises itself.
        code: int | None = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_BUSY:
            return DependencyUnavailableError(
                "event_log_in_use", f"Another process owns the event log {self._path}."
            )
        return DependencyUnavailableError(
            "event_log_unavailable", "The event log is not available."
        )
