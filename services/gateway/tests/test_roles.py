"""Roles that a tenant makes: of permissions that their maker has, told to the trail, kept apart."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from clientsphere_common.access.model import Permission, Role
from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.errors import ConflictError, NotFoundError, PermissionDeniedError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.model.tenancy import KeyWish, NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Gateway, Tables, owner_of

READ = frozenset({Permission.DOCUMENTS_READ.value})
READ_AND_ASK = READ | {Permission.CHAT.value}
HERE = "192.0.2.7"


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@pytest.fixture
def boss(tenant: NewTenant) -> Caller:
    return owner_of(tenant)


async def caller_with(gateway: Gateway, boss: Caller, role: str) -> Caller:
    issued = await gateway.api_keys.create(boss, KeyWish("x", role))
    return await gateway.api_keys.authenticate(issued.key, HERE)


class TestACustomRole:
    async def test_is_what_its_keys_may_do(self, gateway: Gateway, boss: Caller) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        caller = await caller_with(gateway, boss, role.id)
        assert (caller.roles, caller.permissions) == ((role.id,), READ)

    async def test_never_permits_more_than_its_maker_may_do(
        self, gateway: Gateway, boss: Caller
    ) -> None:
        manager = READ | {Permission.ROLES_MANAGE.value}
        role = await gateway.roles.create(boss, "manager", manager)
        maker = await caller_with(gateway, boss, role.id)
        with pytest.raises(PermissionDeniedError, match="chat"):
            await gateway.roles.create(maker, "chatter", READ_AND_ASK)
        own = await gateway.roles.create(maker, "reader", READ)
        with pytest.raises(PermissionDeniedError):
            await gateway.roles.update(maker, own.id, "reader", READ_AND_ASK)
        with pytest.raises(PermissionDeniedError):
            await gateway.roles.update(maker, role.id, "all", frozenset(Permission))

    async def test_above_ones_own_is_neither_narrowed_nor_deleted(
        self, gateway: Gateway, boss: Caller
    ) -> None:
        manager = READ | {Permission.ROLES_MANAGE.value}
        role = await gateway.roles.create(boss, "manager", manager)
        above = await gateway.roles.create(boss, "chatter", READ_AND_ASK)
        maker = await caller_with(gateway, boss, role.id)
        with pytest.raises(PermissionDeniedError):
            await gateway.roles.update(maker, above.id, "chatter", READ)
        with pytest.raises(PermissionDeniedError):
            await gateway.roles.delete(maker, above.id)

    async def test_that_changes_changes_its_keys_at_once(
        self, gateway: Gateway, boss: Caller
    ) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        issued = await gateway.api_keys.create(boss, KeyWish("x", role.id))
        await gateway.api_keys.authenticate(issued.key, HERE)
        await gateway.roles.update(boss, role.id, "reader", READ_AND_ASK)
        caller = await gateway.api_keys.authenticate(issued.key, HERE)
        assert caller.permissions == READ_AND_ASK

    async def test_that_shrinks_takes_from_the_scopes_of_its_keys(
        self, gateway: Gateway, boss: Caller
    ) -> None:
        role = await gateway.roles.create(boss, "reader", READ_AND_ASK)
        wish = KeyWish("x", role.id, scopes=READ_AND_ASK)
        issued = await gateway.api_keys.create(boss, wish)
        await gateway.roles.update(boss, role.id, "reader", READ)
        assert (await gateway.api_keys.authenticate(issued.key, HERE)).permissions == READ

    async def test_in_use_stays(self, gateway: Gateway, boss: Caller) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        issued = await gateway.api_keys.create(boss, KeyWish("x", role.id))
        with pytest.raises(ConflictError) as refused:
            await gateway.roles.delete(boss, role.id)
        assert refused.value.code == "role_in_use"
        await gateway.api_keys.revoke(boss, issued.record.id)
        await gateway.roles.delete(boss, role.id)
        assert await gateway.roles.page(boss, PageWish()) == Page(())

    async def test_of_expired_keys_only_may_go(self, gateway: Gateway, boss: Caller) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        await gateway.api_keys.create(boss, KeyWish("x", role.id, timedelta(seconds=1)))
        gateway.clock.now_s += 1
        await gateway.roles.delete(boss, role.id)

    async def test_that_is_gone_permits_nothing_and_takes_no_keys(
        self, gateway: Gateway, tables: Tables, boss: Caller
    ) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        await gateway.roles.permissions_of(boss.tenant_id, (role.id,))
        await gateway.roles.delete(boss, role.id)
        assert await gateway.roles.permissions_of(boss.tenant_id, (role.id,)) == frozenset()
        with pytest.raises(NotFoundError):
            await gateway.api_keys.create(boss, KeyWish("x", role.id))
        late = gateway.mint.issue(boss.tenant_id, KeyWish("x", role.id))
        with pytest.raises(NotFoundError):
            await tables.api_keys.add(boss, late.record)
        with pytest.raises(NotFoundError):
            await tables.roles.update(boss, role)

    async def test_has_a_name_of_its_own(self, gateway: Gateway, boss: Caller) -> None:
        await gateway.roles.create(boss, "reader", READ)
        other = await gateway.roles.create(boss, "asker", READ_AND_ASK)
        for name in ("reader", "owner", "Admin"):
            with pytest.raises(ConflictError):
                await gateway.roles.create(boss, name, READ)
            with pytest.raises(ConflictError):
                await gateway.roles.update(boss, other.id, name, READ)
        assert {role.name for role in (await gateway.roles.page(boss, PageWish())).items} == {
            "asker",
            "reader",
        }

    async def test_of_another_tenant_is_unknown(self, gateway: Gateway, boss: Caller) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        stranger = owner_of(await gateway.new_tenant("Quaymere"))
        assert await gateway.roles.page(stranger, PageWish()) == Page(())
        assert await gateway.roles.permissions_of(boss.tenant_id, (role.id,)) == READ
        assert not await gateway.roles.permissions_of(stranger.tenant_id, (role.id,))
        with pytest.raises(NotFoundError):
            await gateway.roles.update(stranger, role.id, "x", READ)
        with pytest.raises(NotFoundError):
            await gateway.roles.delete(stranger, role.id)
        with pytest.raises(NotFoundError):
            await gateway.api_keys.create(stranger, KeyWish("x", role.id))
        await gateway.roles.create(stranger, "reader", READ)

    async def test_tells_the_trail_what_it_gave_and_took(
        self, gateway: Gateway, tables: Tables, boss: Caller
    ) -> None:
        role = await gateway.roles.create(boss, "reader", READ)
        ask = frozenset({Permission.CHAT.value})
        await gateway.roles.update(boss, role.id, "asker", ask)
        await gateway.roles.delete(boss, role.id)
        told = [(one.action, dict(one.details)) for one in (await tables.audit_trail())[-3:]]
        assert told == [
            ("role.created", {"name": "reader", "added": "documents:read"}),
            ("role.updated", {"name": "asker", "added": "chat", "removed": "documents:read"}),
            ("role.deleted", {"name": "asker", "removed": "chat"}),
        ]


class TestOverHttp:
    async def test_roles_are_made_listed_changed_and_deleted(
        self, owner: httpx.AsyncClient
    ) -> None:
        body = {"name": "reviewer", "permissions": ["audit:read", "documents:read"]}
        created = await owner.post("/v1/roles", json=body)
        assert created.status_code == 201
        role = created.json()
        assert (role["name"], role["permissions"]) == ("reviewer", body["permissions"])
        path = f"/v1/roles/{role['id']}"
        changed = await owner.put(path, json={"name": "auditing", "permissions": ["audit:read"]})
        assert changed.json()["permissions"] == ["audit:read"]
        listed = (await owner.get("/v1/roles")).json()
        assert [one["name"] for one in listed["items"]] == ["auditing"]
        assert {one["name"] for one in listed["built_in"]} == set(ROLE_PERMISSIONS)
        assert (await owner.delete(path)).status_code == 204
        assert (await owner.delete(path)).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {"name": "x", "permissions": []},
            {"name": "x", "permissions": ["fly"]},
            {"name": "", "permissions": ["chat"]},
            {"permissions": ["chat"]},
        ],
    )
    async def test_roles_that_make_no_sense_are_refused(
        self, owner: httpx.AsyncClient, body: dict[str, object]
    ) -> None:
        assert (await owner.post("/v1/roles", json=body)).status_code == 400

    @pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.AUDITOR])
    async def test_who_manages_no_roles_sees_none(
        self, gateway: Gateway, boss: Caller, role: Role
    ) -> None:
        key = (await gateway.api_keys.create(boss, KeyWish("x", role))).key
        async with gateway.client(key) as client:
            assert (await client.get("/v1/roles")).status_code == 403
