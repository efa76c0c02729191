"""Keys from before scopes, networks and rotation: they go on as they were, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from clientsphere_common.access.model import Role
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from gateway.adapters.tables import OutboxRow
from gateway.model.tenancy import IssuedKey, KeyWish
from gateway.wiring import MIGRATIONS
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Gateway, Tables
from tests.harness.modules import running

NEW_TENANT = text("INSERT INTO tenants (id, name, created_at_ms) VALUES ('tnt_a', 'a', 1)")
AS_BEFORE = text(
    "INSERT INTO api_keys (id, tenant_id, name, role, prefix, secret_hash, created_at_ms)"
    " VALUES (:id, 'tnt_a', 'x', 'viewer', :prefix, :secret_hash, 1)"
)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The migrations before the one that is tried here."""
    folder = shutil.copytree(MIGRATIONS, tmp_path / "before" / "migrations")
    for script in (folder / "versions").glob("*.py"):
        if script.name >= "0002":
            script.unlink()
    return folder


@pytest.fixture
async def gateway(database_under_test: DatabaseUnderTest, before: Path) -> AsyncIterator[Gateway]:
    database_under_test.upgrade(before)
    database = Database(database_under_test.url)
    async with running(database):
        async with database.system_transaction() as session:
            await session.execute(NEW_TENANT)
        yield Gateway(Tables(database, OutboxRelay(database, OutboxRow, FakeEventPublisher())))


async def add_as_before(gateway: Gateway) -> IssuedKey:
    """As a gateway of the version before writes a key."""
    issued = gateway.mint.issue("tnt_a", KeyWish("x", Role.VIEWER))
    record = issued.record
    values = {"id": record.id, "prefix": record.prefix, "secret_hash": record.secret_hash}
    async with gateway.tables.database.system_transaction() as session:
        await session.execute(AS_BEFORE, values)
    return issued


class TestTheUpgrade:
    async def test_leaves_keys_as_they_were(
        self, gateway: Gateway, database_under_test: DatabaseUnderTest
    ) -> None:
        issued = await add_as_before(gateway)
        database_under_test.upgrade(MIGRATIONS)
        caller = await gateway.api_keys.authenticate(issued.key, "192.0.2.7")
        assert caller.permissions == await gateway.roles.permissions_of("tnt_a", ("viewer",))

    async def test_lets_gateways_of_the_version_before_go_on(
        self, gateway: Gateway, database_under_test: DatabaseUnderTest
    ) -> None:
        database_under_test.upgrade(MIGRATIONS)
        issued = await add_as_before(gateway)
        await gateway.api_keys.authenticate(issued.key, "")
