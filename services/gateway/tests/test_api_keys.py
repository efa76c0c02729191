"""API keys from creation to their end, on real tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from clientsphere_common.access.model import Role
from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from clientsphere_common.paging import PageWish
from clientsphere_common.request import Caller
from gateway.adapters.sql_api_keys import SqlApiKeys
from gateway.api_keys import ApiKeys
from gateway.key_mint import KeyMint
from gateway.key_usage import KeyUsage
from gateway.model.tenancy import ApiKey, IssuedKey, KeyChoice, KeyWish, NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Clock, Gateway, Tables, owner_of

HERE = "192.0.2.7"


async def refusal(keys: ApiKeys, key: str) -> str:
    with pytest.raises(UnauthenticatedError) as refused:
        await keys.authenticate(key, HERE)
    return refused.value.code


async def new_key(
    gateway: Gateway, owner: Caller, role: Role = Role.VIEWER, days: int | None = None
) -> IssuedKey:
    lifetime = None if days is None else timedelta(days=days)
    return await gateway.api_keys.create(owner, KeyWish("a key", role, lifetime))


def admin_of(owner: Caller) -> Caller:
    permissions = frozenset(ROLE_PERMISSIONS[Role.ADMIN])
    return Caller(owner.tenant_id, "key_admin", ("admin",), permissions=permissions)


@pytest.fixture
def owner(tenant: NewTenant) -> Caller:
    return owner_of(tenant)


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


class TestAuthenticate:
    async def test_tells_tenant_principal_and_role(
        self, gateway: Gateway, tenant: NewTenant, owner: Caller
    ) -> None:
        issued = await new_key(gateway, owner, Role.EDITOR)
        caller = await gateway.api_keys.authenticate(issued.key, HERE)
        assert caller == Caller(
            tenant.tenant.id,
            issued.record.id,
            ("editor",),
            permissions=frozenset(ROLE_PERMISSIONS[Role.EDITOR]),
        )

    async def test_the_right_id_with_a_wrong_secret_is_refused(
        self, gateway: Gateway, tenant: NewTenant, owner: Caller
    ) -> None:
        other = gateway.mint.issue("tnt_x", KeyWish("x", Role.OWNER))
        assert await refusal(gateway.api_keys, other.key) == "api_key_invalid"

    async def test_a_hash_under_another_pepper_is_another_key(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        usage = KeyUsage(tables.api_keys)
        keys = ApiKeys(tables.api_keys, KeyMint(b"another pepper", Clock()), usage, gateway.roles)
        assert await refusal(keys, tenant.owner_key.key) == "api_key_invalid"

    async def test_an_expired_key_is_told_so(self, gateway: Gateway, owner: Caller) -> None:
        issued = await new_key(gateway, owner, days=1)
        await gateway.api_keys.authenticate(issued.key, HERE)
        gateway.clock.now_s += 24 * 3600
        assert await refusal(gateway.api_keys, issued.key) == "api_key_expired"

    async def test_a_token_of_another_tenant_does_not_reach_the_key(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        for tenant_id, key_id in (("tnt_other", owner.principal_id), (owner.tenant_id, "key_x")):
            with pytest.raises(UnauthenticatedError) as refused:
                await gateway.api_keys.principal(tenant_id, key_id, HERE)
            assert refused.value.code == "principal_unknown"

    async def test_neither_key_nor_secret_is_in_the_tables(
        self, tables: Tables, tenant: NewTenant
    ) -> None:
        async with tables.database.system_transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT * FROM api_keys")
            dump = repr(rows.all())
        secret = tenant.owner_key.key.split("_")[3]
        assert secret not in dump
        assert secret not in repr(tenant)


class TestRevoke:
    async def test_ends_a_key_at_once(self, gateway: Gateway, owner: Caller) -> None:
        issued = await new_key(gateway, owner)
        await gateway.api_keys.authenticate(issued.key, HERE)
        await gateway.api_keys.revoke(owner, issued.record.id)
        assert await refusal(gateway.api_keys, issued.key) == "api_key_revoked"

    async def test_ends_the_tokens_of_the_key_too(self, gateway: Gateway, owner: Caller) -> None:
        issued = await new_key(gateway, owner)
        await gateway.api_keys.revoke(owner, issued.record.id)
        with pytest.raises(UnauthenticatedError):
            await gateway.api_keys.principal(owner.tenant_id, issued.record.id, HERE)

    async def test_by_another_process_ends_it_within_five_seconds(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        issued = await new_key(gateway, owner)
        await gateway.api_keys.authenticate(issued.key, HERE)
        await tables.api_keys.revoke(owner, issued.record.id, gateway.mint.now())
        await gateway.api_keys.authenticate(issued.key, HERE)
        gateway.clock.now_s += 5
        assert await refusal(gateway.api_keys, issued.key) == "api_key_revoked"

    async def test_twice_is_once(self, gateway: Gateway, tables: Tables, owner: Caller) -> None:
        issued = await new_key(gateway, owner)
        await gateway.api_keys.revoke(owner, issued.record.id)
        gateway.clock.now_s += 60
        await gateway.api_keys.revoke(owner, issued.record.id)
        actions = [event.action for event in await tables.audit_trail()]
        assert actions.count("api_key.revoked") == 1

    async def test_another_tenants_key_is_not_found(self, gateway: Gateway, owner: Caller) -> None:
        other = await gateway.new_tenant("Quaymere")
        with pytest.raises(NotFoundError):
            await gateway.api_keys.revoke(owner, other.owner_key.record.id)
        await gateway.api_keys.authenticate(other.owner_key.key, HERE)

    async def test_another_tenants_key_above_the_own_role_is_not_found_either(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        with pytest.raises(NotFoundError):
            await gateway.api_keys.revoke(admin_of(owner), other.owner_key.record.id)

    async def test_an_admin_does_not_end_an_owners_key(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        admin = admin_of(owner)
        with pytest.raises(PermissionDeniedError):
            await gateway.api_keys.revoke(admin, owner.principal_id)

    async def test_the_last_owner_keeps_the_key(self, gateway: Gateway, owner: Caller) -> None:
        await new_key(gateway, owner, Role.OWNER, days=1)
        gateway.clock.now_s += 2 * 24 * 3600
        with pytest.raises(ConflictError) as refused:
            await gateway.api_keys.revoke(owner, owner.principal_id)
        assert refused.value.code == "last_owner_key"

    async def test_an_owners_key_may_be_replaced(self, gateway: Gateway, owner: Caller) -> None:
        await new_key(gateway, owner, Role.OWNER)
        await gateway.api_keys.revoke(owner, owner.principal_id)


class TestCreate:
    async def test_nobody_makes_a_key_above_the_own_role(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        admin = admin_of(owner)
        with pytest.raises(PermissionDeniedError):
            await new_key(gateway, admin, Role.OWNER)

    async def test_is_told_to_the_audit_trail(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        issued = await new_key(gateway, owner, Role.EDITOR)
        created = (await tables.audit_trail())[-1]
        assert (created.action, created.target_id) == ("api_key.created", issued.record.id)
        assert dict(created.details) == {"name": "a key", "role": "editor"}


class TestListAll:
    async def test_shows_the_tenants_keys_oldest_first(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        gateway.clock.now_s += 1
        second = await new_key(gateway, owner)
        await gateway.new_tenant("Quaymere")
        listed = await gateway.api_keys.page(owner, KeyChoice(), PageWish())
        assert [key.id for key in listed.items] == [owner.principal_id, second.record.id]


class TestRecordsThatAreRemembered:
    async def test_are_bounded_in_number(self, gateway: Gateway, tables: Tables) -> None:
        issued = gateway.mint.issue("tnt_a", KeyWish("a key", Role.VIEWER))
        store = CountingStore(tables, issued.record)
        keys = ApiKeys(store, gateway.mint, KeyUsage(store), gateway.roles, gateway.clock)
        for number in range(5000):
            await keys.principal("tnt_a", f"key_{number}", HERE)
        assert store.asked == 5000
        await keys.principal("tnt_a", "key_4999", HERE)
        assert store.asked == 5000
        await keys.principal("tnt_a", "key_0", HERE)
        assert store.asked == 5001


class SlowStore(SqlApiKeys):
    """The first answer is late, and tells how the key was when it was asked for."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables.database, tables.relay)
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def find(self, key_id: str) -> ApiKey | None:
        record = await super().find(key_id)
        if not self.was_asked.is_set():
            self.was_asked.set()
            await self.may_answer.wait()
        return record


class CountingStore(SqlApiKeys):
    """Finds a key under every id, and counts how often it was asked."""

    def __init__(self, tables: Tables, record: ApiKey) -> None:
        super().__init__(tables.database, tables.relay)
        self.record = record
        self.asked = 0

    async def find(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        return replace(self.record, id=key_id)


class NotingStore(SqlApiKeys):
    """Notes which keys the tables were asked for."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables.database, tables.relay)
        self.asked: list[str] = []

    async def find(self, key_id: str) -> ApiKey | None:
        self.asked.append(f"find {key_id}")
        return await super().find(key_id)

    async def find_own(self, tenant_id: str, key_id: str) -> ApiKey | None:
        self.asked.append(f"find own {key_id}")
        return await super().find_own(tenant_id, key_id)


class TestAnOwnKey:
    async def test_that_is_remembered_is_not_looked_for_again(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant, owner: Caller
    ) -> None:
        store = NotingStore(tables)
        keys = ApiKeys(store, gateway.mint, KeyUsage(store), gateway.roles, gateway.clock)
        await keys.authenticate(tenant.owner_key.key, HERE)
        store.asked.clear()
        assert (await keys.get(owner, owner.principal_id)).id == owner.principal_id
        assert store.asked == []


class TestAnotherTenantsKey:
    async def test_is_looked_for_like_one_that_there_is_not_although_it_is_remembered(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        """Otherwise the time that the refusal takes would tell that there is such a key."""
        theirs = (await gateway.new_tenant("Quaymere")).owner_key
        store = NotingStore(tables)
        keys = ApiKeys(store, gateway.mint, KeyUsage(store), gateway.roles, gateway.clock)
        await keys.authenticate(theirs.key, HERE)
        store.asked.clear()

        for key_id in (theirs.record.id, "key_00000000"):
            with pytest.raises(NotFoundError):
                await keys.revoke(owner, key_id)
        assert store.asked == [f"find own {theirs.record.id}", "find own key_00000000"]


class TestAKeyThatIsRevokedWhileItIsLookedUp:
    async def test_is_not_remembered_as_alive(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        issued = await new_key(gateway, owner)
        store = SlowStore(tables)
        keys = ApiKeys(store, gateway.mint, KeyUsage(store), gateway.roles, gateway.clock)

        early = asyncio.create_task(keys.authenticate(issued.key, HERE))
        await store.was_asked.wait()
        await keys.revoke(owner, issued.record.id)
        store.may_answer.set()
        with pytest.raises(UnauthenticatedError):
            await early
        assert await refusal(keys, issued.key) == "api_key_revoked"
