"""What one gateway does to a key or a role holds on another one within five seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from clientsphere_common.access.model import Permission, Role
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from gateway.adapters.tables import OutboxRow
from gateway.model.tenancy import IssuedKey, KeyWish, NewTenant
from gateway.wiring import MIGRATIONS
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Clock, Gateway, Tables, owner_of
from tests.harness.modules import running

FIVE_SECONDS = 5.0


@dataclass
class Two:
    """Gateways with a database session and a memory of their own; time passes for both."""

    one: Gateway
    other: Gateway
    clock: Clock

    async def status(self, gateway: Gateway, key: str, path: str = "/v1/knowledge-bases") -> int:
        async with gateway.client(key) as client:
            return (await client.get(path)).status_code


@pytest.fixture
async def two(database_under_test: DatabaseUnderTest) -> AsyncIterator[Two]:
    database_under_test.upgrade(MIGRATIONS)
    databases = [Database(database_under_test.url) for _ in range(2)]
    async with running(*databases):
        clock = Clock()
        one, other = (
            Gateway(
                Tables(database, OutboxRelay(database, OutboxRow, FakeEventPublisher())),
                clock=clock,
            )
            for database in databases
        )
        yield Two(one, other, clock)


@pytest.fixture
async def tenant(two: Two) -> NewTenant:
    return await two.one.new_tenant()


async def known_to_both(two: Two, tenant: NewTenant, wish: KeyWish) -> IssuedKey:
    issued = await two.one.api_keys.create(owner_of(tenant), wish)
    for gateway in (two.one, two.other):
        assert await two.status(gateway, issued.key) == 200
    return issued


class TestAnotherGateway:
    async def test_refuses_a_revoked_key_and_its_tokens(self, two: Two, tenant: NewTenant) -> None:
        issued = await known_to_both(two, tenant, KeyWish("x", Role.VIEWER))
        async with two.other.client() as client:
            body = {"grant_type": "api_key", "api_key": issued.key}
            token = (await client.post("/v1/tokens", json=body)).json()["access_token"]
        await two.one.api_keys.revoke(owner_of(tenant), issued.record.id)
        assert await two.status(two.one, issued.key) == 401
        two.clock.now_s += FIVE_SECONDS
        assert await two.status(two.other, issued.key) == 401
        assert await two.status(two.other, token) == 401

    async def test_is_not_kept_from_it_by_using_the_key_all_the_time(
        self, two: Two, tenant: NewTenant
    ) -> None:
        issued = await known_to_both(two, tenant, KeyWish("x", Role.VIEWER))
        await two.one.api_keys.revoke(owner_of(tenant), issued.record.id)
        for _ in range(50):
            two.clock.now_s += FIVE_SECONDS / 50
            last = await two.status(two.other, issued.key)
        assert last == 401

    async def test_refuses_the_text_from_before_a_rotation_without_overlap(
        self, two: Two, tenant: NewTenant
    ) -> None:
        issued = await known_to_both(two, tenant, KeyWish("x", Role.VIEWER))
        owner = owner_of(tenant)
        rotated = await two.one.api_keys.rotate(owner, issued.record.id, timedelta())
        two.clock.now_s += FIVE_SECONDS
        assert await two.status(two.other, issued.key) == 401
        assert await two.status(two.other, rotated.key) == 200

    async def test_holds_a_key_to_its_changed_role(self, two: Two, tenant: NewTenant) -> None:
        owner = owner_of(tenant)
        reading = frozenset({Permission.KNOWLEDGE_BASES_READ})
        role = await two.one.roles.create(owner, "reader", reading)
        issued = await known_to_both(two, tenant, KeyWish("x", role.id))
        await two.one.roles.update(owner, role.id, "reader", frozenset({Permission.CHAT}))
        assert await two.status(two.one, issued.key) == 403
        two.clock.now_s += FIVE_SECONDS
        assert await two.status(two.other, issued.key) == 403
