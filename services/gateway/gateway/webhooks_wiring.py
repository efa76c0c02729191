"""Builds what tells receivers of events, on the gateway's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.events.ports import EventSource
from clientsphere_common.modules import Module
from clientsphere_common.secrets.ports import EnvelopeKeys
from gateway.adapters.name_lookup import MachineNames
from gateway.adapters.sql_webhook_history import SqlWebhookHistory
from gateway.adapters.sql_webhook_queue import SqlWebhookQueue
from gateway.adapters.sql_webhooks import SqlWebhooks
from gateway.adapters.webhook_receivers import HttpReceivers
from gateway.metrics import WebhookMetrics
from gateway.webhooks.assembly import WebhookPorts, Webhooks, assemble
from gateway.webhooks.ports import Receivers
from gateway.webhooks.settings import WebhookSettings


@dataclass(frozen=True)
class WebhookSurroundings:
    """What webhooks share with the rest of the process."""

    database: Database
    relay: OutboxRelay
    events: EventSource
    envelope_keys: EnvelopeKeys
    registry: CollectorRegistry


@dataclass(frozen=True)
class WebhookParts:
    use: Webhooks
    modules: Sequence[Module]


def webhook_ports(
    settings: WebhookSettings, database: Database, relay: OutboxRelay, receivers: Receivers
) -> WebhookPorts:
    return WebhookPorts(
        SqlWebhooks(database, relay),
        SqlWebhookHistory(database),
        SqlWebhookQueue(database, relay, settings.disable_after),
        receivers,
    )


def build_webhooks(settings: WebhookSettings, around: WebhookSurroundings) -> WebhookParts:
    names = MachineNames()
    receivers = HttpReceivers(settings.rules, names.addresses, settings.ca_file, settings.timeout_s)
    webhooks = assemble(
        settings,
        webhook_ports(settings, around.database, around.relay, receivers),
        around.envelope_keys,
        WebhookMetrics(around.registry),
    )
    return WebhookParts(webhooks, (names, receivers, *webhooks.modules(around.events)))
