"""An ingestion on fresh tables for each test, and two tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.request import Caller
from ingestion.adapters.tables import OutboxRow
from ingestion.wiring import MIGRATIONS
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.databases import DatabaseUnderTest
from tests.harness.ingestion import Ingestion
from tests.harness.modules import running


@pytest.fixture
def caller() -> Caller:
    return Caller("tnt_a", "usr_a")


@pytest.fixture
def stranger() -> Caller:
    return Caller("tnt_b", "usr_b")


@pytest.fixture
async def ingestion(
    database_under_test: DatabaseUnderTest, tmp_path: Path
) -> AsyncIterator[Ingestion]:
    database_under_test.upgrade(MIGRATIONS)
    database = Database(database_under_test.url)
    objects = DirectoryObjectStore(tmp_path / "objects")
    publisher = FakeEventPublisher()
    relay = OutboxRelay(database, OutboxRow, publisher)
    async with running(database, objects, relay):
        ingestion = Ingestion(database, objects, publisher, relay, tmp_path / "scratch")
        async with running(ingestion.extraction):
            yield ingestion
