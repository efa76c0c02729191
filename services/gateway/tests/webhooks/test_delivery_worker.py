"""Deliveries get there once each, whatever dies or hangs on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.tables import WebhookDeliveryRow
from gateway.model.tenancy import NewTenant
from gateway.webhooks.model import (
    Answer,
    Busy,
    ClaimedDelivery,
    DeliveryState,
    WebhookWish,
)
from tests.harness.cancelling import CancelledAt
from tests.harness.eventually import eventually
from tests.harness.gateway import Tables, owner_of
from tests.harness.modules import running
from tests.harness.webhook_world import EVERY_TYPE, LEASE, OTHER_URL, URL, World


class TestAClaim:
    async def test_is_nobody_elses_until_its_lease_ends(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        (first,) = await world.take()
        assert await world.take() == []
        world.clock.now_s += LEASE.total_seconds()
        (second,) = await world.take()
        assert (second.id, second.claim) == (first.id, first.claim + 1)
        # The first one comes back late: what it says no longer counts.
        world.receivers.answers[URL] = Answer.of_status(500)
        await world.webhooks.worker._attempts.make(first)
        assert (await world.only(tenant, webhook)).reason is None
        world.receivers.answers.clear()
        await world.webhooks.worker._attempts.make(second)
        assert (await world.only(tenant, webhook)).state is DeliveryState.DELIVERED

    async def test_is_of_one_gateway_when_many_try(self, world: World, tenant: NewTenant) -> None:
        for number in range(5):
            await world.webhook(tenant, f"https://hooks{number}.kestrand.example/")
        await world.happens(tenant)
        taken = await asyncio.gather(*(world.take() for _ in range(6)))
        while more := await world.take():
            taken.append(more)
        ids = [one.id for some in taken for one in some]
        assert len(ids) == len(set(ids)) == 5

    async def test_takes_no_more_of_the_busy(
        self, world: World, tenant: NewTenant, other: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        await world.webhook(other, OTHER_URL)
        await world.happens(tenant)
        await world.happens(other)
        both = Busy(frozenset({webhook.id}), frozenset({other.tenant.id}))
        assert await world.take(busy=both) == []
        (one,) = await world.take(busy=Busy(frozenset({webhook.id})))
        assert one.tenant_id == other.tenant.id

    async def test_survives_a_cancellation_at_every_step(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        number, was_cancelled = 0, True
        while was_cancelled:
            number += 1
            await world.happens(tenant, number)
            step = CancelledAt(world.work(), nth_wait=number)
            await asyncio.wait({asyncio.create_task(run(step))})
            was_cancelled = step.was_cancelled
            # Time passes: whatever was in hand is free again.
            world.clock.now_s += LEASE.total_seconds()
            while await world.work():
                continue
        assert number > 3
        states = {one.state for one in await world.deliveries(tenant, webhook)}
        assert states == {DeliveryState.DELIVERED}
        told = {json.loads(one.body)["data"]["document_id"] for one in world.receivers.received}
        assert told == {f"doc_{one}" for one in range(1, number + 1)}


class TestTheWorker:
    @pytest.fixture
    async def working(self, world: World) -> AsyncIterator[None]:
        async with running(world.webhooks.worker):
            yield

    async def test_delivers_by_itself(self, world: World, tenant: NewTenant, working: None) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)

        async def is_delivered() -> bool:
            return (await world.only(tenant, webhook)).state is DeliveryState.DELIVERED

        await eventually(is_delivered, 20)
        metrics = world.gateway.registry
        attempts = "clientsphere_webhook_attempts_total"
        assert metrics.get_sample_value(attempts, {"state": "delivered"}) == 1
        assert metrics.get_sample_value("clientsphere_webhook_delivery_seconds_count") == 1

    async def test_does_not_let_a_slow_receiver_hold_up_others(
        self, world: World, tenant: NewTenant, other: NewTenant, working: None
    ) -> None:
        hanging = asyncio.Event()
        world.receivers.hanging = {URL: hanging}
        await world.webhook(tenant)
        quick = await world.webhook(other, OTHER_URL)
        for number in range(30):
            await world.happens(tenant, number)
        for number in range(6):
            await world.happens(other, number)

        async def all_are_delivered() -> bool:
            states = [one.state for one in await world.deliveries(other, quick)]
            return states == [DeliveryState.DELIVERED] * 6

        await eventually(all_are_delivered, 20)
        assert len([one for one in world.receivers.received if one.url == URL]) == 4
        hanging.set()

    @pytest.mark.parametrize("steps", range(5))
    async def test_stops_although_it_is_just_being_woken(self, world: World, steps: int) -> None:
        worker = world.webhooks.worker
        worker._queue = _Away()  # type: ignore[assignment] # so that it rests at once
        await worker.start()
        await asyncio.sleep(0.05)
        worker.wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await worker.stop()

    async def test_goes_on_after_an_outage_of_the_tables(
        self, world: World, tenant: NewTenant
    ) -> None:
        await world.webhook(tenant)
        await world.happens(tenant)
        worker, real = world.webhooks.worker, world.webhooks.worker._queue
        worker._queue = _Away()  # type: ignore[assignment] # only its claims are asked for
        assert not await worker._take()
        worker._queue = real
        assert await worker._take()
        await worker.stop()
        assert len(world.receivers.received) == 1


async def run(step: CancelledAt[int]) -> None:
    await step


class _Away:
    async def claim(self, *_: object) -> list[ClaimedDelivery]:
        raise DependencyUnavailableError("database_unavailable", "The database is away.")


class TestRotation:
    async def test_signs_with_both_secrets_until_the_overlap_ends(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        owner = owner_of(tenant)
        await world.webhooks.registration.rotate(owner, webhook.id, timedelta(hours=1))
        for number, signatures in ((1, 2), (2, 1)):
            await world.happens(tenant, number)
            await world.work()
            signed = world.receivers.received[-1].headers["webhook-signature"]
            assert len(signed.split(" ")) == signatures
            world.clock.now_s += 3600


class TestUpkeep:
    async def test_forgets_what_was_settled_long_ago(self, world: World, tenant: NewTenant) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        await world.work()
        world.clock.now_s += 29 * 86400
        await world.webhooks.upkeep.step()
        assert len(await world.deliveries(tenant, webhook)) == 1
        world.clock.now_s += 2 * 86400
        await world.webhooks.upkeep.step()
        assert await world.deliveries(tenant, webhook) == []

    async def test_tells_how_late_the_oldest_is(self, world: World, tenant: NewTenant) -> None:
        await world.webhook(tenant)
        await world.happens(tenant)
        world.clock.now_s += 7
        await world.webhooks.upkeep.step()
        gauge = "clientsphere_webhook_overdue_seconds"
        assert world.gateway.registry.get_sample_value(gauge) == 7
        await world.work()
        await world.webhooks.upkeep.step()
        assert world.gateway.registry.get_sample_value(gauge) == 0


class TestTheTables:
    async def test_hold_no_secret_that_can_be_read(self, world: World, tenant: NewTenant) -> None:
        wish = WebhookWish(URL, "", EVERY_TYPE)
        issued = await world.webhooks.registration.create(owner_of(tenant), wish)
        assert issued.secret.encode() not in issued.webhook.secrets.current
        assert issued.secret not in repr(issued)
        opened = await world.gateway.envelope_keys.decrypt(
            tenant.tenant.id, issued.webhook.secrets.current
        )
        assert opened.decode() == issued.secret

    async def test_forget_the_deliveries_of_a_deleted_webhook(
        self, world: World, tenant: NewTenant, tables: Tables
    ) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        (claimed,) = await world.take()
        await world.webhooks.registration.delete(owner_of(tenant), webhook.id)
        await world.webhooks.worker._attempts.make(claimed)
        async with tables.database.system_snapshot() as session:
            assert (await session.scalars(select(WebhookDeliveryRow))).all() == []

    async def test_show_nothing_to_another_tenant(self, world: World, tenant: NewTenant) -> None:
        await world.webhook(tenant)
        stranger = Caller("tnt_stranger", "key_stranger")
        assert await world.webhooks.registration.page(stranger, PageWish()) == Page(())
