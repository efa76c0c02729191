"""Webhooks on real tables, with receivers in memory and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.events.model import Event
from clientsphere_common.paging import PageWish
from gateway.model.tenancy import NewTenant
from gateway.webhooks.model import (
    Busy,
    ClaimedDelivery,
    Delivery,
    Webhook,
    WebhookWish,
)
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks_wiring import webhook_ports
from tests.fakes.webhook_receivers import FakeReceivers
from tests.harness.gateway import Clock, Gateway, Tables, owner_of

URL = "https://hooks.kestrand.example/in"
OTHER_URL = "https://hooks.quaymere.example/in"
EVERY_TYPE = frozenset({"document.ready", "document.failed", "document.deleted"})
LEASE = timedelta(seconds=90)


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
        page = await self.webhooks.deliveries.page(
            owner_of(tenant), webhook.id, None, PageWish(100)
        )
        return list(page.items)

    async def only(self, tenant: NewTenant, webhook: Webhook) -> Delivery:
        (delivery,) = await self.deliveries(tenant, webhook)
        return delivery
