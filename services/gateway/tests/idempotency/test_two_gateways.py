"""Of requests that come to several gateways at once with one key, one is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, UnprocessableError
from clientsphere_common.paging import PageWish
from gateway.adapters.tables import OutboxRow
from gateway.idempotency.model import Reply, Scope
from gateway.idempotency.requests import LEASE_S
from gateway.model.tenancy import KeyChoice
from gateway.wiring import MIGRATIONS
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Clock, Gateway, Tables
from tests.harness.modules import running

OWN = Scope("tnt_a", "key_1")
ASKED = b"a request"
REPLY = Reply(201, (("location", "/x"),), b"{}")
KEY = {"Idempotency-Key": "k"}
AT_ONCE = 8


@pytest.fixture
async def two(database_under_test: DatabaseUnderTest) -> AsyncIterator[tuple[Gateway, Gateway]]:
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
        yield one, other


class TestManyAtOnce:
    async def test_one_is_done_and_the_others_wait_or_are_answered_the_same(
        self, two: tuple[Gateway, Gateway]
    ) -> None:
        tenant = await two[0].new_tenant()

        async def create(gateway: Gateway) -> httpx.Response:
            async with gateway.client(tenant.owner_key.key) as client:
                body = {"name": "x", "role": "viewer"}
                return await client.post("/v1/api-keys", json=body, headers=KEY)

        responses = await asyncio.gather(*(create(two[n % 2]) for n in range(AT_ONCE)))
        done = [one for one in responses if one.status_code == 201]
        waiting = [one for one in responses if one.status_code == 409]
        assert len(done) + len(waiting) == AT_ONCE
        assert len({one.content for one in done}) == 1
        assert sum("idempotency-replayed" not in one.headers for one in done) == 1
        for one in waiting:
            assert one.json()["code"] == "idempotency_key_in_use"
            assert one.headers["retry-after"] == "1"
        page = await two[1].tables.api_keys.page(
            tenant.tenant.id, KeyChoice(), two[1].mint.now(), PageWish()
        )
        assert len(page.items) == 2
        assert (await create(two[1])).content == done[0].content


class TestALease:
    async def test_keeps_others_out_for_as_long_as_it_is_renewed(
        self, two: tuple[Gateway, Gateway]
    ) -> None:
        one, other = two
        attempt = await one.idempotent_requests.begin(OWN, "k", ASKED)
        for _ in range(3):
            one.clock.now_s += LEASE_S - 1
            await one.idempotent_requests.renew(attempt)
            with pytest.raises(ConflictError):
                await other.idempotent_requests.begin(OWN, "k", ASKED)

    async def test_that_ended_lets_one_go_on_with_the_same_secrets(
        self, two: tuple[Gateway, Gateway]
    ) -> None:
        one, other = two
        first = await one.idempotent_requests.begin(OWN, "k", ASKED)
        one.clock.now_s += LEASE_S
        second = await other.idempotent_requests.begin(OWN, "k", ASKED)
        assert second.is_repeated
        assert second.derive("x") == first.derive("x")

    async def test_that_ended_is_not_ended_again_by_who_had_it(
        self, two: tuple[Gateway, Gateway]
    ) -> None:
        one, other = two
        late = await one.idempotent_requests.begin(OWN, "k", ASKED)
        one.clock.now_s += LEASE_S
        await other.idempotent_requests.begin(OWN, "k", ASKED)
        await one.idempotent_requests.renew(late)
        await one.idempotent_requests.release(late)
        await one.idempotent_requests.settle(late, REPLY)
        await one.idempotent_requests.settle(late, replace(REPLY, status=429))
        with pytest.raises(ConflictError):
            await one.idempotent_requests.bind(late, ASKED)
        with pytest.raises(ConflictError):
            await one.idempotent_requests.begin(OWN, "k", ASKED)

    async def test_is_of_one_request(self, two: tuple[Gateway, Gateway]) -> None:
        one, other = two
        attempt = await one.idempotent_requests.begin(OWN, "k", None)
        await one.idempotent_requests.bind(attempt, ASKED)
        await one.idempotent_requests.release(attempt)
        with pytest.raises(UnprocessableError):
            await other.idempotent_requests.begin(OWN, "k", b"another request")
        again = await other.idempotent_requests.begin(OWN, "k", None)
        with pytest.raises(UnprocessableError):
            await other.idempotent_requests.bind(again, b"another request")
