"""From an event to its receivers: of one tenant only, tried again, given up in the end."""

from __future__ import annotations

import json

import pytest

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.events.model import Event
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys
from gateway.model.tenancy import NewTenant
from gateway.webhooks.model import (
    Answer,
    DeliveryState,
    DisabledReason,
    FailureReason,
    WebhookWish,
)
from gateway.webhooks.retrying import MAX_ATTEMPTS
from tests.harness.gateway import Tables, owner_of
from tests.harness.webhook_world import EVERY_TYPE, OTHER_URL, URL, World


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
