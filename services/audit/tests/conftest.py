"""What the tests of the audit service share: fresh tables on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from audit.adapters.sql_trail import SqlTrailStore
from audit.trail import AuditTrail
from audit.wiring import MIGRATIONS
from clientsphere_common.db.session import Database
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running


@pytest.fixture
def tables(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    """With the newest schema."""
    database_under_test.upgrade(MIGRATIONS)
    return database_under_test


@pytest.fixture
async def store(tables: DatabaseUnderTest) -> AsyncIterator[SqlTrailStore]:
    database = Database(tables.url)
    async with running(database):
        yield SqlTrailStore(database)


@pytest.fixture
def trail(store: SqlTrailStore) -> AuditTrail:
    return AuditTrail(store)
