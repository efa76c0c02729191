"""A database that was not started, or is not there."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.session import Database, TenantScoped
from clientsphere_common.errors import DependencyUnavailableError


class Base(DeclarativeBase):
    pass


class Paper(TenantScoped, Base):
    __tablename__ = "papers"

    id: Mapped[str] = mapped_column(primary_key=True)


class TestDatabase:
    async def test_cannot_be_used_before_it_is_started(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="has not been started"):
            await Database(sqlite_url(tmp_path / "tables.db")).check()

    async def test_can_be_stopped_when_it_was_never_started(self, tmp_path: Path) -> None:
        await Database(sqlite_url(tmp_path / "tables.db")).stop()

    async def test_a_database_that_does_not_answer_is_told_as_such(self, tmp_path: Path) -> None:
        threads_before = threading.active_count()
        database = Database(sqlite_url(tmp_path / "missing" / "tables.db"))
        await database.start()
        with pytest.raises(DependencyUnavailableError) as failed:
            await database.check()
        assert failed.value.code == "database_unavailable"
        with pytest.raises(DependencyUnavailableError):
            async with database.snapshot("a") as session:
                await session.get(Paper, "a1")
        await database.stop()
        # The driver's threads report to this loop when they end.
        while threading.active_count() > threads_before:
            await asyncio.sleep(0)
