"""Changed limits reach every gateway in time, and outlive the tables being away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.limit_rules import LimitName, LimitRule, LimitRules
from gateway.model.tenancy import NewTenant
from gateway.tenant_limits import TenantLimits
from tests.harness.databases import DatabaseUnderTest
from tests.harness.eventually import eventually
from tests.harness.gateway import Gateway, Tables
from tests.harness.modules import running

CHANGED = {LimitName.ASK: LimitRule(7, 3), LimitName.READ: LimitRule(10**9, 1, shadow=True)}


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


class FakeStore:
    def __init__(self) -> None:
        self.is_away = False
        self.is_broken = False
        self.kept: dict[str, LimitRules] = {}
        self.reads = 0

    async def was_read_again(self) -> bool:
        return self.reads > 1

    async def all_changes(self) -> Mapping[str, LimitRules]:
        self.reads += 1
        if self.is_broken:
            raise RuntimeError("broken")
        if self.is_away:
            raise DependencyUnavailableError("database_unavailable", "It is not answering.")
        return dict(self.kept)

    async def changes_of(self, tenant_id: str) -> LimitRules:
        return self.kept.get(tenant_id, {})

    async def change(
        self, tenant_id: str, changes: LimitRules, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        self.kept[tenant_id] = changes


def burst(limits: TenantLimits, tenant_id: str = "tnt_a") -> int:
    return limits.limits_for(tenant_id)[LimitName.ASK].burst


class TestTenantLimits:
    async def test_are_those_of_all_but_for_what_was_changed(self) -> None:
        store = FakeStore()
        limits = TenantLimits(store, {LimitName.ASK: LimitRule(60, 11)})
        await limits.change("tnt_a", CHANGED)
        assert (burst(limits), burst(limits, "tnt_b"), burst(limits, "")) == (3, 11, 11)

    async def test_that_another_process_changed_are_noticed(self) -> None:
        store = FakeStore()
        limits = TenantLimits(store, {}, pause_s=lambda: 0.01)
        async with running(limits):
            await TenantLimits(store, {}).change("tnt_a", CHANGED)

            async def is_known() -> bool:
                return burst(limits) == 3

            await eventually(is_known)

    async def test_go_on_while_the_tables_are_away(self) -> None:
        store = FakeStore()
        store.kept["tnt_a"] = CHANGED
        limits = TenantLimits(store, {})
        async with running(limits):
            store.is_away = True
            await limits.refresh()
            assert burst(limits) == 3

    async def test_start_without_the_tables(self) -> None:
        store = FakeStore()
        store.is_away = True
        async with running(TenantLimits(store, {})):
            store.is_away = False

    async def test_that_are_not_read_any_more_are_noticed(self) -> None:
        store = FakeStore()
        limits = TenantLimits(store, {}, pause_s=lambda: 0)
        async with running(limits):
            store.is_broken = True
            with pytest.raises(RuntimeError, match="broken"):
                await limits.watch()

    async def test_are_not_read_after_the_end(self) -> None:
        store = FakeStore()
        async with running(TenantLimits(store, {}, pause_s=lambda: 0)):
            await eventually(store.was_read_again)
        reads = store.reads
        for _ in range(10):
            await asyncio.sleep(0)
        assert store.reads == reads


class TestSqlLimits:
    async def test_keeps_changes_by_tenant(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        await tables.limits.change(tenant.tenant.id, CHANGED)
        await tables.limits.change(other.tenant.id, {})
        assert await tables.limits.all_changes() == {tenant.tenant.id: CHANGED}
        assert await tables.limits.changes_of(tenant.tenant.id) == CHANGED
        assert await tables.limits.changes_of(other.tenant.id) == {}

    async def test_replaces_what_was_there(self, tables: Tables, tenant: NewTenant) -> None:
        await tables.limits.change(tenant.tenant.id, CHANGED)
        second = {LimitName.ASK: LimitRule(9, 9)}
        await tables.limits.change(tenant.tenant.id, second)
        assert await tables.limits.changes_of(tenant.tenant.id) == second

    async def test_takes_nothing_from_another_tenant(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        await tables.limits.change(tenant.tenant.id, CHANGED)
        await tables.limits.change(other.tenant.id, CHANGED)
        await tables.limits.change(other.tenant.id, {})
        assert await tables.limits.changes_of(tenant.tenant.id) == CHANGED

    async def test_knows_which_tenants_there_are(self, tables: Tables) -> None:
        with pytest.raises(NotFoundError):
            await tables.limits.changes_of("tnt_nobody")
        with pytest.raises(NotFoundError):
            await tables.limits.change("tnt_nobody", CHANGED)
        assert await tables.audit_trail() == []

    async def test_is_away_while_there_is_no_table(
        self, tables: Tables, gateway_database: DatabaseUnderTest
    ) -> None:
        prefix = f"{gateway_database.schema}." if gateway_database.schema else ""
        engine = open_blocking_engine(gateway_database.admin_url)
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE {prefix}changed_limits"))
        with pytest.raises(DependencyUnavailableError):
            await tables.limits.all_changes()
