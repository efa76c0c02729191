"""What durability and concurrency ask of every SQLite connection."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from clientsphere_common.db.engine import open_blocking_engine, open_engine, sqlite_url

EXPECTED = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "busy_timeout": 10_000,
}


def pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


class TestOpenEngine:
    @pytest.mark.parametrize("name", EXPECTED)
    async def test_every_connection_is_set_up(self, tmp_path: Path, name: str) -> None:
        engine = open_engine(sqlite_url(tmp_path / "tables.db"))
        async with engine.connect() as connection:
            assert await connection.run_sync(pragma, name) == EXPECTED[name]
        await engine.dispose()

    async def test_errors_do_not_repeat_the_values(self, tmp_path: Path) -> None:
        engine = open_engine(sqlite_url(tmp_path / "tables.db"))
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE names (name TEXT UNIQUE)"))
            insert = text("INSERT INTO names VALUES (:name)")
            await connection.execute(insert, {"name": "merger.pdf"})
            with pytest.raises(IntegrityError) as refused:
                await connection.execute(insert, {"name": "merger.pdf"})
        await engine.dispose()
        assert "merger" not in str(refused.value)


class TestOpenBlockingEngine:
    @pytest.mark.parametrize("name", EXPECTED)
    def test_every_connection_is_set_up(self, tmp_path: Path, name: str) -> None:
        engine = open_blocking_engine(sqlite_url(tmp_path / "tables.db"))
        with engine.connect() as connection:
            assert pragma(connection, name) == EXPECTED[name]
