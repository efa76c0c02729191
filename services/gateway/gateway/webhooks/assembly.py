"""Puts together what tells receivers of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clientsphere_common.events.model import Subscription
from clientsphere_common.events.ports import EventSource
from clientsphere_common.modules import Module
from clientsphere_common.secrets.ports import EnvelopeKeys
from gateway.metrics import WebhookMetrics
from gateway.times import from_unix_ms
from gateway.webhooks.attempts import Attempts
from gateway.webhooks.catalogue import TOPICS
from gateway.webhooks.consumer import WEBHOOK_GROUP, WebhookEventsConsumer
from gateway.webhooks.deliveries import Deliveries
from gateway.webhooks.ports import DeliveryHistory, DeliveryQueue, Receivers, WebhookStore
from gateway.webhooks.registration import WebhookRegistration
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks.upkeep import DeliveryUpkeep
from gateway.webhooks.worker import DeliveryWorker

_EVENT_ATTEMPTS = 8


@dataclass(frozen=True)
class WebhookPorts:
    webhooks: WebhookStore
    history: DeliveryHistory
    queue: DeliveryQueue
    receivers: Receivers


@dataclass(frozen=True)
class Webhooks:
    registration: WebhookRegistration
    deliveries: Deliveries
    consumer: WebhookEventsConsumer
    worker: DeliveryWorker
    upkeep: DeliveryUpkeep

    def modules(self, events: EventSource) -> Sequence[Module]:
        """Stopped in reverse: first nothing new comes in, then nothing new goes out."""
        subscriptions = [
            Subscription(topic, WEBHOOK_GROUP, self.consumer.handle, max_attempts=_EVENT_ATTEMPTS)
            for topic in TOPICS
        ]
        return (self.upkeep, self.worker, *(events.consumer(one) for one in subscriptions))


def assemble(
    settings: WebhookSettings,
    ports: WebhookPorts,
    keys: EnvelopeKeys,
    metrics: WebhookMetrics,
    clock: Callable[[], float] = time.time,
) -> Webhooks:
    def now() -> datetime:
        return from_unix_ms(int(clock() * 1000))

    attempts = Attempts(ports.queue, ports.receivers, keys, metrics, now)
    worker = DeliveryWorker(ports.queue, attempts, settings.limits, now)
    return Webhooks(
        registration=WebhookRegistration(
            ports.webhooks, keys, settings.rules, settings.per_tenant, now
        ),
        deliveries=Deliveries(ports.webhooks, ports.history, worker.wake, now),
        consumer=WebhookEventsConsumer(ports.queue, worker.wake, now),
        worker=worker,
        upkeep=DeliveryUpkeep(ports.queue, metrics, settings.retention, now),
    )
