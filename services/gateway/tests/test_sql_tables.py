"""The gateway's tables: what the migration makes is what the code expects, tenant by tenant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError

from clientsphere_common.access.model import Role
from clientsphere_common.audit_events import AuditFact
from clientsphere_common.db.session import ForeignRowError
from clientsphere_common.errors import NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.tables import Base
from gateway.model.tenancy import KeyChoice, KeyWish, NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Gateway, Tables, owner_of

STRANGER = Caller("tnt_stranger", "key_stranger", ("owner",))


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


class TestTheMigration:
    async def test_makes_the_tables_that_the_code_expects(self, tables: Tables) -> None:
        def differences(connection: Connection) -> list[object]:
            return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

        async with tables.database.system_transaction() as session:
            connection = await session.connection()
            assert await connection.run_sync(differences) == []

    async def test_names_its_tables(self, tables: Tables) -> None:
        async with tables.database.system_transaction() as session:
            connection = await session.connection()
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert set(names) == {
            "alembic_version",
            "api_keys",
            "changed_limits",
            "idempotency_keys",
            "outbox",
            "roles",
            "sessions",
            "sign_in_attempts",
            "tenants",
            "token_issuers",
            "webhook_deliveries",
            "webhooks",
        }


class TestSqlTenants:
    async def test_a_new_tenant_comes_with_its_owners_key(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        assert await tables.tenants.find(tenant.tenant.id) == tenant.tenant
        key = await tables.api_keys.find(tenant.owner_key.record.id)
        assert key == tenant.owner_key.record

    async def test_is_the_beginning_of_its_own_trail(
        self, tables: Tables, tenant: NewTenant
    ) -> None:
        trail = await tables.audit_trail()
        assert [(event.action, event.principal_id) for event in trail] == [
            ("tenant.created", "operator"),
            ("api_key.created", "operator"),
        ]

    async def test_an_unknown_tenant_is_not_found(self, gateway: Gateway) -> None:
        with pytest.raises(NotFoundError):
            await gateway.tenants.own(STRANGER)


class TestSqlApiKeys:
    async def test_a_key_of_no_tenant_is_refused(self, gateway: Gateway, tables: Tables) -> None:
        orphan = gateway.mint.issue(STRANGER.tenant_id, KeyWish("x", Role.OWNER))
        with pytest.raises(IntegrityError):
            await tables.api_keys.add(STRANGER, orphan.record)

    async def test_a_key_is_not_stored_for_another_tenant(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        foreign = gateway.mint.issue(tenant.tenant.id, KeyWish("x", Role.OWNER))
        with pytest.raises(ForeignRowError):
            await tables.api_keys.add(STRANGER, foreign.record)

    async def test_a_stranger_cannot_end_a_key(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        with pytest.raises(NotFoundError):
            await tables.api_keys.revoke(STRANGER, tenant.owner_key.record.id, gateway.mint.now())
        everything = KeyChoice(), gateway.mint.now(), PageWish()
        assert await tables.api_keys.page(STRANGER.tenant_id, *everything) == Page(())

    async def test_keeps_all_times(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        owner = owner_of(tenant)
        now = gateway.mint.now()
        issued = gateway.mint.issue(
            owner.tenant_id, KeyWish("x", Role.VIEWER, timedelta(milliseconds=1500))
        )
        await tables.api_keys.add(owner, issued.record)
        await tables.api_keys.mark_used({issued.record.id: now})
        await tables.api_keys.revoke(owner, issued.record.id, now)
        stored = await tables.api_keys.find(issued.record.id)
        assert stored is not None
        assert (stored.expires_at, stored.last_used_at, stored.revoked_at) == (
            now + timedelta(milliseconds=1500),
            now,
            now,
        )


class TestSqlAuditJournal:
    async def test_what_is_recorded_waits_in_the_outbox(self, tables: Tables) -> None:
        await tables.journal.record(STRANGER, AuditFact("token.issued", "principal", "key_1"))
        (event,) = await tables.audit_trail()
        assert (event.action, event.target_id) == ("token.issued", "key_1")
