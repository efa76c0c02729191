"""API keys that may do less than their role, only from some networks, or have two secrets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clientsphere_common.access.model import Permission, Role
from clientsphere_common.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from clientsphere_common.request import Caller
from gateway.model.tenancy import IssuedKey, KeyWish, NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Gateway, Tables, owner_of

HERE = "192.0.2.7"
DAY = timedelta(days=1)


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@pytest.fixture
def owner(tenant: NewTenant) -> Caller:
    return owner_of(tenant)


async def scoped(gateway: Gateway, owner: Caller, role: Role, *scopes: Permission) -> IssuedKey:
    return await gateway.api_keys.create(owner, KeyWish("x", role, scopes=frozenset(scopes)))


async def is_let_in(gateway: Gateway, key: str, address: str = HERE) -> bool:
    try:
        await gateway.api_keys.authenticate(key, address)
    except (UnauthenticatedError, PermissionDeniedError):
        return False
    return True


class TestScopes:
    async def test_leave_a_key_what_they_name_of_its_role(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        issued = await scoped(gateway, owner, Role.EDITOR, Permission.SEARCH)
        caller = await gateway.api_keys.authenticate(issued.key, HERE)
        assert caller.permissions == {Permission.SEARCH}

    async def test_beyond_the_role_are_refused(self, gateway: Gateway, owner: Caller) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await scoped(gateway, owner, Role.VIEWER, Permission.AUDIT_READ)
        assert refused.value.code == "scope_beyond_role"

    async def test_bind_what_the_key_hands_on(self, gateway: Gateway, owner: Caller) -> None:
        issued = await scoped(
            gateway, owner, Role.ADMIN, Permission.API_KEYS_MANAGE, Permission.SEARCH
        )
        maker = await gateway.api_keys.authenticate(issued.key, HERE)
        await scoped(gateway, maker, Role.VIEWER, Permission.SEARCH)
        with pytest.raises(PermissionDeniedError) as refused:
            await gateway.api_keys.create(maker, KeyWish("y", Role.VIEWER))
        assert refused.value.code == "permissions_above_own"

    async def test_bind_whose_secret_the_key_may_replace_or_end(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        issued = await scoped(gateway, owner, Role.ADMIN, Permission.API_KEYS_MANAGE)
        maker = await gateway.api_keys.authenticate(issued.key, HERE)
        viewer = await gateway.api_keys.create(owner, KeyWish("viewer", Role.VIEWER))
        with pytest.raises(PermissionDeniedError):
            await gateway.api_keys.rotate(maker, viewer.record.id, DAY)
        with pytest.raises(PermissionDeniedError):
            await gateway.api_keys.revoke(maker, viewer.record.id)

    async def test_keep_an_owners_key_from_being_the_last_one(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        await scoped(gateway, owner, Role.OWNER, Permission.SEARCH)
        with pytest.raises(ConflictError):
            await gateway.api_keys.revoke(owner, owner.principal_id)

    async def test_do_not_keep_a_key_from_being_revoked(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        issued = await scoped(gateway, owner, Role.OWNER, Permission.SEARCH)
        await gateway.api_keys.revoke(owner, issued.record.id)
        assert not await is_let_in(gateway, issued.key)


class TestNetworks:
    @pytest.mark.parametrize(
        ("address", "is_allowed"),
        [
            ("192.0.2.255", True),
            ("192.0.3.0", False),
            ("::ffff:192.0.2.7", True),
            ("::ffff:198.51.100.1", False),
            ("2001:db8::1", True),
            ("2001:db9::1", False),
            ("", False),
            ("localhost", False),
        ],
    )
    async def test_are_where_a_key_may_be_used_from(
        self, gateway: Gateway, owner: Caller, address: str, is_allowed: bool
    ) -> None:
        wish = KeyWish("x", Role.VIEWER, networks=("192.0.2.0/24", "2001:db8::/32"))
        issued = await gateway.api_keys.create(owner, wish)
        assert await is_let_in(gateway, issued.key, address) is is_allowed

    async def test_hold_for_the_tokens_of_a_key_too(self, gateway: Gateway, owner: Caller) -> None:
        wish = KeyWish("x", Role.VIEWER, networks=("192.0.2.0/24",))
        issued = await gateway.api_keys.create(owner, wish)
        of_key = (owner.tenant_id, issued.record.id)
        await gateway.api_keys.principal(*of_key, HERE)
        with pytest.raises(PermissionDeniedError) as refused:
            await gateway.api_keys.principal(*of_key, "198.51.100.1")
        assert refused.value.code == "network_not_allowed"

    async def test_are_told_to_nobody_without_the_secret(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        wish = KeyWish("x", Role.VIEWER, networks=("192.0.2.0/24",))
        issued = await gateway.api_keys.create(owner, wish)
        guess, _ = gateway.mint.next_secret(issued.record, DAY)
        with pytest.raises(UnauthenticatedError):
            await gateway.api_keys.authenticate(guess, "198.51.100.1")

    @pytest.mark.parametrize(
        ("networks", "is_allowed"),
        [
            (("192.0.2.0/25", "2001:db8:1::/48"), True),
            (("192.0.2.0/24",), True),
            (("192.0.2.0/23",), False),
            (("192.0.2.0/25", "198.51.100.0/24"), False),
            (("::ffff:192.0.2.0/121",), False),
            ((), False),
        ],
    )
    async def test_bind_what_the_key_hands_on(
        self, gateway: Gateway, owner: Caller, networks: tuple[str, ...], is_allowed: bool
    ) -> None:
        bound = KeyWish("x", Role.ADMIN, networks=("192.0.2.0/24", "2001:db8::/32"))
        key = (await gateway.api_keys.create(owner, bound)).key
        caller = await gateway.api_keys.authenticate(key, HERE)
        made = gateway.api_keys.create(caller, KeyWish("y", Role.VIEWER, networks=networks))
        if is_allowed:
            assert (await made).record.networks == networks
            return
        with pytest.raises(PermissionDeniedError) as refused:
            await made
        assert refused.value.code == "networks_above_own"

    async def test_bind_whose_secret_the_key_may_replace(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        unbound = await gateway.api_keys.create(owner, KeyWish("y", Role.VIEWER))
        bound = KeyWish("x", Role.ADMIN, networks=("192.0.2.0/24",))
        key = (await gateway.api_keys.create(owner, bound)).key
        caller = await gateway.api_keys.authenticate(key, HERE)
        with pytest.raises(PermissionDeniedError):
            await gateway.api_keys.rotate(caller, unbound.record.id, DAY)


class TestRotate:
    async def test_lets_both_texts_in_until_the_overlap_ends(
        self, gateway: Gateway, tenant: NewTenant, owner: Caller
    ) -> None:
        old = tenant.owner_key.key
        new = (await gateway.api_keys.rotate(owner, owner.principal_id, DAY)).key
        assert await is_let_in(gateway, old)
        assert await is_let_in(gateway, new)
        gateway.clock.now_s += DAY.total_seconds()
        assert not await is_let_in(gateway, old)
        assert await is_let_in(gateway, new)

    async def test_without_overlap_ends_the_text_before_at_once(
        self, gateway: Gateway, tenant: NewTenant, owner: Caller
    ) -> None:
        await gateway.api_keys.rotate(owner, owner.principal_id, timedelta())
        assert not await is_let_in(gateway, tenant.owner_key.key)

    async def test_leaves_two_texts_at_most(
        self, gateway: Gateway, tenant: NewTenant, owner: Caller
    ) -> None:
        texts = [tenant.owner_key.key]
        for _ in range(2):
            texts.append((await gateway.api_keys.rotate(owner, owner.principal_id, DAY)).key)
        assert [await is_let_in(gateway, text) for text in texts] == [False, True, True]

    async def test_keeps_the_principal_and_all_that_restricts_it(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        wish = KeyWish("x", Role.VIEWER, DAY, frozenset({Permission.CHAT}), ("192.0.2.0/24",))
        issued = await gateway.api_keys.create(owner, wish)
        before = await gateway.api_keys.authenticate(issued.key, HERE)
        rotated = await gateway.api_keys.rotate(owner, issued.record.id, DAY)
        assert await gateway.api_keys.authenticate(rotated.key, HERE) == before
        assert not await is_let_in(gateway, rotated.key, "198.51.100.1")
        gateway.clock.now_s += DAY.total_seconds()
        assert not await is_let_in(gateway, rotated.key)

    async def test_of_a_key_that_is_revoked_ends_both_texts(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        issued = await gateway.api_keys.create(owner, KeyWish("x", Role.VIEWER))
        rotated = await gateway.api_keys.rotate(owner, issued.record.id, DAY)
        await gateway.api_keys.revoke(owner, issued.record.id)
        assert not await is_let_in(gateway, issued.key)
        assert not await is_let_in(gateway, rotated.key)

    async def test_of_a_key_that_has_ended_is_refused(
        self, gateway: Gateway, owner: Caller
    ) -> None:
        revoked = await gateway.api_keys.create(owner, KeyWish("x", Role.VIEWER))
        await gateway.api_keys.revoke(owner, revoked.record.id)
        expired = await gateway.api_keys.create(owner, KeyWish("x", Role.VIEWER, DAY))
        gateway.clock.now_s += DAY.total_seconds()
        for ended in (revoked, expired):
            with pytest.raises(ConflictError) as refused:
                await gateway.api_keys.rotate(owner, ended.record.id, DAY)
            assert refused.value.code == "api_key_ended"

    async def test_of_another_tenants_key_is_not_found(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        with pytest.raises(NotFoundError):
            await gateway.api_keys.rotate(owner, other.owner_key.record.id, DAY)
        _, secret = gateway.mint.next_secret(other.owner_key.record, DAY)
        with pytest.raises(NotFoundError):
            await tables.api_keys.rotate(owner, other.owner_key.record.id, secret)
        assert await is_let_in(gateway, other.owner_key.key)

    async def test_by_an_admin_leaves_owners_alone(self, gateway: Gateway, owner: Caller) -> None:
        issued = await gateway.api_keys.create(owner, KeyWish("x", Role.ADMIN))
        admin = await gateway.api_keys.authenticate(issued.key, HERE)
        with pytest.raises(PermissionDeniedError):
            await gateway.api_keys.rotate(admin, owner.principal_id, DAY)


class TestTheTrail:
    async def test_tells_what_a_key_may_do_and_that_it_was_rotated(
        self, gateway: Gateway, tables: Tables, owner: Caller
    ) -> None:
        wish = KeyWish(
            "x", Role.VIEWER, DAY, frozenset({Permission.CHAT, Permission.SEARCH}), ("10.0.0.0/8",)
        )
        issued = await gateway.api_keys.create(owner, wish)
        await gateway.api_keys.rotate(owner, issued.record.id, DAY)
        created, rotated = (await tables.audit_trail())[-2:]
        assert dict(created.details) == {
            "name": "x",
            "role": "viewer",
            "scopes": "chat search",
            "networks": "10.0.0.0/8",
            "expires_at": "2027-01-16T08:00:00+00:00",
        }
        assert (rotated.action, rotated.target_id) == ("api_key.rotated", issued.record.id)
        assert dict(rotated.details) == {"previous_secret_expires_at": "2027-01-16T08:00:00+00:00"}
