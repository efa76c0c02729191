"""The file under the event log: whole transactions, one owner, errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.sqlite.file import SqliteFile

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (text TEXT UNIQUE);"


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    file = SqliteFile(tmp_path / "notes.sqlite", SCHEMA)
    await file.open()
    yield file
    await file.close()


async def note(file: SqliteFile, *texts: str) -> None:
    def insert(db: sqlite3.Connection) -> None:
        for text in texts:
            db.execute("INSERT INTO notes VALUES (?)", (text,))

    await file.transact(insert)


async def notes(file: SqliteFile) -> list[str]:
    rows = await file.transact(lambda db: db.execute("SELECT text FROM notes").fetchall())
    return [text for (text,) in rows]


class TestTransactions:
    async def test_what_was_committed_is_found_by_the_next_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "notes.sqlite"
        for text in ("first", "second"):
            file = SqliteFile(path, SCHEMA)
            await file.open()
            await note(file, text)
            await file.close()
        last = SqliteFile(path, SCHEMA)
        await last.open()
        assert await notes(last) == ["first", "second"]
        await last.close()

    async def test_a_failing_transaction_leaves_nothing(self, file: SqliteFile) -> None:
        with pytest.raises(DependencyUnavailableError) as caught:
            await note(file, "once", "twice", "twice")
        assert caught.value.code == "event_log_unavailable"
        assert await notes(file) == []

    async def test_an_error_of_the_work_itself_rises_and_leaves_nothing(
        self, file: SqliteFile
    ) -> None:
        def fail(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO notes VALUES ('half')")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await file.transact(fail)
        assert await notes(file) == []

    async def test_a_full_disk_is_told_and_survived(self, file: SqliteFile) -> None:
        await note(file, "before")
        await file.transact(lambda db: db.execute("PRAGMA max_page_count = 4").fetchall())
        with pytest.raises(DependencyUnavailableError):
            await note(file, "x" * 100_000)
        assert await notes(file) == ["before"]

    async def test_every_commit_reaches_the_disk(self, file: SqliteFile) -> None:
        def settings(db: sqlite3.Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "locking_mode")
            return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        full = 2
        assert await file.transact(settings) == ["wal", full, "normal"]


class TestOwnership:
    async def test_a_second_owner_is_refused(self, file: SqliteFile, tmp_path: Path) -> None:
        second = SqliteFile(tmp_path / "notes.sqlite", SCHEMA)
        with pytest.raises(DependencyUnavailableError, match="Another process owns") as caught:
            await second.open()
        assert caught.value.code == "event_log_in_use"
        await second.close()
        await note(file, "still mine")

    async def test_a_file_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.sqlite").write_bytes(b"not a database, just text" * 100)
        file = SqliteFile(tmp_path / "notes.sqlite", SCHEMA)
        with pytest.raises(DependencyUnavailableError):
            await file.open()
        await file.close()

    async def test_nothing_runs_before_it_is_open(self, tmp_path: Path) -> None:
        file = SqliteFile(tmp_path / "notes.sqlite", SCHEMA)
        with pytest.raises(RuntimeError, match="is not open"):
            await notes(file)
