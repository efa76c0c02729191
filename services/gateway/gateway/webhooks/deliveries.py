"""What was sent to a webhook, and sending something on request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.idempotency.attempt import repeatable_id
from gateway.webhooks.catalogue import TEST, new_notification
from gateway.webhooks.model import Delivery, DeliveryState
from gateway.webhooks.ports import DeliveryHistory, WebhookStore


class Deliveries:
    """`wake` is called when there is something to send at once."""

    def __init__(
        self,
        store: WebhookStore,
        history: DeliveryHistory,
        wake: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._history = history
        self._wake = wake
        self._now = now

    async def page(
        self, caller: Caller, webhook_id: str, state: DeliveryState | None, wish: PageWish
    ) -> Page[Delivery]:
        """Newest first; without `state` all of them."""
        webhook = await self._store.get(caller.tenant_id, webhook_id)
        return await self._history.page(webhook, state, wish)

    async def test(self, caller: Caller, webhook_id: str) -> Delivery:
        """Send a notification of nothing, once. Raises ConflictError while it is disabled."""
        webhook = await self._store.get(caller.tenant_id, webhook_id)
        now = self._now()
        notification = new_notification(
            repeatable_id("evt"), caller.tenant_id, TEST, now, {"webhook_id": webhook.id}
        )
        delivery = await self._history.add_test(webhook, notification, now)
        self._wake()
        return delivery

    async def redeliver(self, caller: Caller, webhook_id: str, delivery_id: str) -> Delivery:
        """Send again what was settled; its id for receivers stays the same."""
        webhook = await self._store.get(caller.tenant_id, webhook_id)
        delivery = await self._history.redeliver(webhook, delivery_id, self._now())
        self._wake()
        return delivery
