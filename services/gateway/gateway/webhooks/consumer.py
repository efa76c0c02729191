"""Events of the log ⇄ deliveries to webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clientsphere_common.events.model import Event
from gateway.webhooks.catalogue import notification_of
from gateway.webhooks.ports import DeliveryQueue

WEBHOOK_GROUP = "gateway-webhooks"


class WebhookEventsConsumer:
    """An event that comes twice finds its deliveries there."""

    def __init__(
        self, queue: DeliveryQueue, wake: Callable[[], None], now: Callable[[], datetime]
    ) -> None:
        self._queue = queue
        self._wake = wake
        self._now = now

    async def handle(self, event: Event) -> None:
        """Raises InvalidInputError for what is no event: it ends among the dead letters."""
        notification = notification_of(event)
        if notification is not None and await self._queue.enqueue(notification, self._now()):
            self._wake()
