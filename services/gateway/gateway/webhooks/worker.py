"""Takes deliveries that are due and has them tried, a bounded number at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from clientsphere_common.errors import ServiceError
from gateway.webhooks.attempts import Attempts
from gateway.webhooks.model import Busy, ClaimedDelivery
from gateway.webhooks.ports import DeliveryQueue

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkLimits:
    """Attempts at once, of one process."""

    attempts: int = 64
    per_tenant: int = 8
    per_webhook: int = 4
    lease: timedelta = timedelta(seconds=40)
    """Longer than any attempt: afterwards another process may take the delivery."""
    poll_s: float = 1.0
    stop_grace_s: float = 10.0


class DeliveryWorker:
    """A module. Each pass takes at most one delivery a webhook, so that all get their turns."""

    name = "webhook deliveries"

    def __init__(
        self,
        queue: DeliveryQueue,
        attempts: Attempts,
        limits: WorkLimits,
        now: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._attempts = attempts
        self._limits = limits
        self._now = now
        self._awake = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], ClaimedDelivery] = {}
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look now rather than at the next poll."""
        self._awake.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Let the attempts in hand end; what is cancelled is tried again when its lease ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._in_hand:
            _, late = await asyncio.wait(self._in_hand, timeout=self._limits.stop_grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            if not await self._take():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.poll_s):
                        await self._awake.wait()

    async def _take(self) -> bool:
        """Whether there may be more to take at once."""
        free = self._limits.attempts - len(self._in_hand)
        if free <= 0:
            return False
        try:
            taken = await self._queue.claim(self._now(), self._limits.lease, self._busy(), free)
        except ServiceError as error:
            log.warning("webhook_deliveries_not_taken", code=error.code)
            return False
        for claimed in taken:
            task = asyncio.create_task(self._try(claimed), name=f"delivery {claimed.id}")
            self._in_hand[task] = claimed
            task.add_done_callback(self._put_down)
        return bool(taken)

    def _busy(self) -> Busy:
        in_hand = self._in_hand.values()
        of_webhooks = Counter(one.webhook_id for one in in_hand)
        of_tenants = Counter(one.tenant_id for one in in_hand)
        full = {one for one, count in of_webhooks.items() if count >= self._limits.per_webhook}
        probed = {one.webhook_id for one in in_hand if one.is_probe}
        crowded = {one for one, count in of_tenants.items() if count >= self._limits.per_tenant}
        return Busy(frozenset(full | probed), frozenset(crowded))

    async def _try(self, claimed: ClaimedDelivery) -> None:
        try:
            await self._attempts.make(claimed)
        except ServiceError as error:
            log.warning("webhook_attempt_not_noted", delivery=claimed.id, code=error.code)
        except Exception:
            # A bug with one delivery must not end those of all others; its lease will end.
            log.exception("webhook_attempt_crashed", delivery=claimed.id)

    def _put_down(self, task: asyncio.Task[None]) -> None:
        del self._in_hand[task]
        self._awake.set()
