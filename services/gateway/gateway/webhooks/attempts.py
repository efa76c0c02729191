"""One attempt at one delivery: sign, send, note how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from clientsphere_common.errors import DependencyUnavailableError, InternalError
from clientsphere_common.secrets.ports import EnvelopeKeys
from gateway.metrics import WebhookMetrics
from gateway.webhooks.model import Answer, ClaimedDelivery, DeliveryState, FailureReason
from gateway.webhooks.ports import DeliveryQueue, Receivers
from gateway.webhooks.retrying import judge
from gateway.webhooks.signing import signed_headers

log = structlog.get_logger(__name__)

_KEYS_AWAY = timedelta(seconds=10)


class Attempts:
    """Whatever it dies of, the delivery's lease ends and somebody tries again."""

    def __init__(
        self,
        queue: DeliveryQueue,
        receivers: Receivers,
        keys: EnvelopeKeys,
        metrics: WebhookMetrics,
        now: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._receivers = receivers
        self._keys = keys
        self._metrics = metrics
        self._now = now

    async def make(self, claimed: ClaimedDelivery) -> None:
        """Raises DependencyUnavailableError when the tables are away."""
        try:
            headers = await self._headers(claimed)
        except DependencyUnavailableError:
            await self._queue.release(claimed, self._now() + _KEYS_AWAY)
            return
        except InternalError:
            answer = Answer(None, FailureReason.SECRET_UNREADABLE)
        else:
            answer = await self._receivers.post(claimed.url, headers, claimed.notification.payload)
        await self._settle(claimed, answer)

    async def _headers(self, claimed: ClaimedDelivery) -> Mapping[str, str]:
        now = self._now()
        secrets = [
            (await self._keys.decrypt(claimed.tenant_id, sealed)).decode()
            for sealed in claimed.secrets.alive(now)
        ]
        return signed_headers(claimed.notification, secrets, now)

    async def _settle(self, claimed: ClaimedDelivery, answer: Answer) -> None:
        verdict = judge(claimed, answer, self._now())
        await self._queue.settle(claimed, verdict)
        lag_s = (verdict.at - claimed.notification.occurred_at).total_seconds()
        self._metrics.attempted(verdict.state, lag_s)
        note = log.info if verdict.state is DeliveryState.DELIVERED else log.warning
        note(
            "webhook_attempted",
            tenant=claimed.tenant_id,
            webhook=claimed.webhook_id,
            delivery=claimed.id,
            attempt=claimed.attempt,
            state=verdict.state,
            status=answer.status,
            reason=answer.reason,
        )
