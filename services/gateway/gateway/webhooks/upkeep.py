"""Forgets old deliveries, and measures how late the others are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clientsphere_common.errors import ServiceError
from clientsphere_common.repeating import Repeating
from gateway.metrics import WebhookMetrics
from gateway.webhooks.ports import DeliveryQueue

log = structlog.get_logger(__name__)

_PAUSE_S = 30.0
_BATCH = 1000


class DeliveryUpkeep:
    """A module. Several processes may do it at once."""

    name = "webhook upkeep"

    def __init__(
        self,
        queue: DeliveryQueue,
        metrics: WebhookMetrics,
        retention: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._metrics = metrics
        self._retention = retention
        self._now = now
        self._repeating = Repeating(self.step, lambda: _PAUSE_S)

    async def start(self) -> None:
        self._repeating.start()

    async def watch(self) -> None:
        await self._repeating.watch()

    async def stop(self) -> None:
        await self._repeating.stop()

    async def step(self) -> None:
        now = self._now()
        try:
            since = await self._queue.overdue_since(now)
            self._metrics.overdue_s(0.0 if since is None else (now - since).total_seconds())
            removed = await self._queue.remove_settled(now - self._retention, _BATCH)
        except ServiceError as error:
            log.warning("webhook_upkeep_delayed", code=error.code)
            return
        if removed:
            log.info("webhook_deliveries_removed", deliveries=removed)
