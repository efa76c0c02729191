"""What the tests of the audit service share: its tables in a file of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.adapters.sql_trail import SqlTrailStore
from audit.trail import AuditTrail
from audit.wiring import MIGRATIONS
from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import upgrade
from clientsphere_common.db.session import Database
from tests.harness.modules import running


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A file with the newest schema."""
    file = tmp_path / "audit.db"
    upgrade(sqlite_url(file), MIGRATIONS)
    return file


@pytest.fixture
async def store(tables: Path) -> AsyncIterator[SqlTrailStore]:
    database = Database(sqlite_url(tables))
    async with running(database):
        yield SqlTrailStore(database)


@pytest.fixture
def trail(store: SqlTrailStore) -> AuditTrail:
    return AuditTrail(store)
