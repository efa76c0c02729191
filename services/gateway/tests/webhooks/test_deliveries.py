"""From an event to its receivers: once each, of one tenant only, whatever dies on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError
from clientsphere_common.events.model import Event
from clientsphere_common.request import Caller
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys
from gateway.adapters.tables import WebhookDeliveryRow
from gateway.model.tenancy import NewTenant
from gateway.webhooks.model import (
    Answer,
    Busy,
    ClaimedDelivery,
    Delivery,
    DeliveryState,
    DisabledReason,
    FailureReason,
    Webhook,
    WebhookWish,
)
from gateway.webhooks.retrying import MAX_ATTEMPTS
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks_wiring import webhook_ports
from tests.fakes.webhook_receivers import FakeReceivers
from tests.harness.cancelling import CancelledAt
from tests.harness.databases import DatabaseUnderTest
from tests.harness.eventually import eventually
from tests.harness.gateway import Clock, Gateway, Tables, owner_of
from tests.harness.modules import running

URL = "https://hooks.kestrand.example/in"
OTHER_URL = "https://hooks.quaymere.example/in"
EVERY_TYPE = frozenset({"document.ready", "document.failed", "document.deleted"})
LEASE = timedelta(seconds=90)


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@dataclass
class World:
    """A gateway whose receivers are in memory and whose clock stands still."""

    tables: Tables
    receivers: FakeReceivers = field(default_factory=FakeReceivers)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        settings = WebhookSettings(attempts=16, attempts_per_tenant=4)
        self.gateway = Gateway(
            self.tables, clock=self.clock, receivers=self.receivers, webhook_settings=settings
        )
        self.webhooks = self.gateway.webhooks
        self.queue = webhook_ports(
            settings, self.tables.database, self.tables.relay, self.receivers
        ).queue

    async def webhook(self, tenant: NewTenant, url: str = URL) -> Webhook:
        wish = WebhookWish(url, "", EVERY_TYPE)
        issued = await self.webhooks.registration.create(owner_of(tenant), wish)
        return issued.webhook

    def event(self, tenant: NewTenant, number: int = 1) -> Event:
        message = documents_pb2.DocumentIndexed(
            document_id=f"doc_{number}", version=2, knowledge_base_id="kb_1", chunk_count=7
        )
        return Event(
            id=f"evt_{tenant.tenant.id}_{number}",
            topic="documents",
            key=f"doc_{number}",
            type="DocumentIndexed",
            tenant_id=tenant.tenant.id,
            payload=message.SerializeToString(),
            occurred_at_ms=int(self.clock() * 1000),
        )

    async def happens(self, tenant: NewTenant, number: int = 1) -> None:
        await self.webhooks.consumer.handle(self.event(tenant, number))

    async def take(self, limit: int = 10, busy: Busy | None = None) -> list[ClaimedDelivery]:
        now = self.gateway.mint.now()
        return list(await self.queue.claim(now, LEASE, busy or Busy(), limit))

    async def work(self) -> int:
        """One pass of the worker; tells how many attempts it made."""
        taken = await self.take()
        for claimed in taken:
            await self.webhooks.worker._attempts.make(claimed)
        return len(taken)

    async def deliveries(self, tenant: NewTenant, webhook: Webhook) -> list[Delivery]:
        page = await self.webhooks.deliveries.page(owner_of(tenant), webhook.id, None, 100, "")
        return list(page.items)

    async def only(self, tenant: NewTenant, webhook: Webhook) -> Delivery:
        (delivery,) = await self.deliveries(tenant, webhook)
        return delivery


@pytest.fixture
def world(tables: Tables) -> World:
    return World(tables)


@pytest.fixture
async def tenant(world: World) -> NewTenant:
    return await world.gateway.new_tenant()


@pytest.fixture
async def other(world: World) -> NewTenant:
    return await world.gateway.new_tenant("Quaymere")


class TestAnEvent:
    async def test_reaches_the_receiver(self, world: World, tenant: NewTenant) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        assert await world.work() == 1
        (received,) = world.receivers.received
        assert received.url == URL
        assert json.loads(received.body) == {
            "type": "document.ready",
            "timestamp": "2027-01-15T08:00:00.000Z",
            "data": {
                "document_id": "doc_1",
                "version": 2,
                "state": "ready",
                "knowledge_base_id": "kb_1",
                "chunk_count": 7,
            },
        }
        delivery = await world.only(tenant, webhook)
        assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
        assert (delivery.response_status, delivery.next_attempt_at) == (204, None)
        assert await world.work() == 0

    async def test_that_comes_twice_is_told_once(self, world: World, tenant: NewTenant) -> None:
        await world.webhook(tenant)
        await world.happens(tenant)
        await world.happens(tenant)
        await world.work()
        await world.happens(tenant)
        assert await world.work() == 0
        assert len(world.receivers.received) == 1

    async def test_is_told_to_its_own_tenant_only(
        self, world: World, tenant: NewTenant, other: NewTenant
    ) -> None:
        await world.webhook(tenant)
        foreign = await world.webhook(other, OTHER_URL)
        await world.happens(tenant)
        await world.work()
        assert [one.url for one in world.receivers.received] == [URL]
        assert await world.deliveries(other, foreign) == []

    async def test_from_before_a_webhook_is_not_told(self, world: World, tenant: NewTenant) -> None:
        before = world.event(tenant)
        world.clock.now_s += 1
        await world.webhook(tenant)
        await world.webhooks.consumer.handle(before)
        assert await world.work() == 0

    async def test_that_nobody_asked_for_is_not_told(self, world: World, tenant: NewTenant) -> None:
        wish = WebhookWish(URL, "", frozenset({"document.deleted"}))
        await world.webhooks.registration.create(owner_of(tenant), wish)
        await world.happens(tenant)
        assert await world.work() == 0

    async def test_of_a_kind_that_receivers_do_not_know_is_passed(
        self, world: World, tenant: NewTenant
    ) -> None:
        await world.webhook(tenant)
        event = world.event(tenant)
        unknown = Event(**{**vars(event), "type": "DocumentPainted"})
        await world.webhooks.consumer.handle(unknown)
        assert await world.work() == 0

    async def test_that_is_none_is_refused(self, world: World, tenant: NewTenant) -> None:
        broken = Event(**{**vars(world.event(tenant)), "payload": b"\xff"})
        with pytest.raises(InvalidInputError):
            await world.webhooks.consumer.handle(broken)

    @pytest.mark.parametrize(
        ("message", "told"),
        [
            (
                documents_pb2.DocumentUploaded(document_id="doc_1", version=1),
                ("document.uploaded", {"document_id": "doc_1", "version": 1, "state": "queued"}),
            ),
            (
                documents_pb2.DocumentFailed(document_id="doc_1", version=1, code="pdf_encrypted"),
                (
                    "document.failed",
                    {
                        "document_id": "doc_1",
                        "version": 1,
                        "state": "failed",
                        "failure_code": "pdf_encrypted",
                    },
                ),
            ),
            (
                documents_pb2.DocumentDeleted(document_id="doc_1"),
                ("document.deleted", {"document_id": "doc_1", "state": "deleted"}),
            ),
        ],
    )
    async def test_of_each_kind_says_what_happened(
        self,
        world: World,
        tenant: NewTenant,
        message: documents_pb2.DocumentUploaded,
        told: tuple[str, dict[str, object]],
    ) -> None:
        wish = WebhookWish(URL, "", frozenset({told[0]}))
        await world.webhooks.registration.create(owner_of(tenant), wish)
        changes = {"type": message.DESCRIPTOR.name, "payload": message.SerializeToString()}
        await world.webhooks.consumer.handle(Event(**{**vars(world.event(tenant)), **changes}))
        await world.work()
        body = json.loads(world.receivers.received[0].body)
        assert (body["type"], body["data"]) == told


class TestAFailure:
    async def test_is_tried_again_later_with_the_same_id_and_bytes(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        world.receivers.answers[URL] = Answer.of_status(503)
        await world.happens(tenant)
        await world.work()
        delivery = await world.only(tenant, webhook)
        assert (delivery.state, delivery.reason) == (
            DeliveryState.PENDING,
            FailureReason.NOT_ACCEPTED,
        )
        assert await world.work() == 0
        world.receivers.answers.clear()
        world.clock.now_s += 11
        assert await world.work() == 1
        first, second = world.receivers.received
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
        assert (await world.only(tenant, webhook)).state is DeliveryState.DELIVERED

    async def test_is_given_up_in_the_end(self, world: World, tenant: NewTenant) -> None:
        webhook = await world.webhook(tenant)
        world.receivers.answers[URL] = Answer(None, FailureReason.TIMED_OUT)
        await world.happens(tenant)
        began_s = world.clock.now_s
        while await world.work():
            delivery = await world.only(tenant, webhook)
            if delivery.next_attempt_at is not None:
                world.clock.now_s = delivery.next_attempt_at.timestamp() + 301
        assert (delivery.state, delivery.attempts) == (DeliveryState.DEAD, MAX_ATTEMPTS)
        assert delivery.reason is FailureReason.TIMED_OUT
        assert 19 * 3600 < world.clock.now_s - began_s < 31 * 3600

    async def test_lets_the_whole_webhook_rest_and_be_probed(
        self, world: World, tenant: NewTenant
    ) -> None:
        await world.webhook(tenant)
        world.receivers.answers[URL] = Answer.of_status(500)
        for number in range(5):
            await world.happens(tenant, number)
        assert await world.work() == 1
        assert await world.work() == 0
        world.clock.now_s += 3
        (probe,) = await world.take()
        assert probe.is_probe

    async def test_of_days_disables_the_webhook_and_tells_the_trail(
        self, world: World, tenant: NewTenant, tables: Tables
    ) -> None:
        webhook = await world.webhook(tenant)
        world.receivers.answers[URL] = Answer.of_status(500)
        for number in range(12):
            await world.happens(tenant, number)
        for _ in range(11):
            await world.work()
            world.clock.now_s += 12 * 3600
        found = await world.webhooks.registration.get(owner_of(tenant), webhook.id)
        assert found.disabled_reason is DisabledReason.FAILING
        deliveries = await world.deliveries(tenant, webhook)
        assert {one.state for one in deliveries} == {DeliveryState.DEAD}
        assert FailureReason.WEBHOOK_DISABLED in {one.reason for one in deliveries}
        told = (await tables.audit_trail())[-1]
        assert (told.action, told.target_id) == ("webhook.disabled", webhook.id)
        assert told.principal_id == "gateway"
        assert dict(told.details) == {
            "host": "hooks.kestrand.example",
            "events": " ".join(sorted(EVERY_TYPE)),
            "disabled": "failing",
        }
        await world.happens(tenant, 99)
        assert await world.work() == 0

    async def test_that_says_gone_disables_the_webhook_at_once(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        world.receivers.answers[URL] = Answer.of_status(410)
        await world.happens(tenant)
        await world.work()
        found = await world.webhooks.registration.get(owner_of(tenant), webhook.id)
        assert found.disabled_reason is DisabledReason.GONE

    async def test_of_the_keys_costs_no_attempt(self, world: World, tenant: NewTenant) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        (claimed,) = await world.take()

        def away() -> bytes:
            raise OSError("the key is away")

        attempts = world.webhooks.worker._attempts
        attempts._keys, keys = LocalEnvelopeKeys(away), attempts._keys
        await attempts.make(claimed)
        assert (await world.only(tenant, webhook)).attempts == 0
        attempts._keys = keys
        world.clock.now_s += 11
        assert await world.work() == 1
        assert (await world.only(tenant, webhook)).attempts == 1

    async def test_of_a_secret_that_cannot_be_read_is_said(
        self, world: World, tenant: NewTenant
    ) -> None:
        webhook = await world.webhook(tenant)
        await world.happens(tenant)
        (claimed,) = await world.take()
        attempts = world.webhooks.worker._attempts
        attempts._keys = LocalEnvelopeKeys(lambda: b"x" * 32)
        await attempts.make(claimed)
        delivery = await world.only(tenant, webhook)
        assert delivery.reason is FailureReason.SECRET_UNREADABLE
        assert world.receivers.received == []


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
        assert await world.webhooks.registration.list_all(stranger) == []
