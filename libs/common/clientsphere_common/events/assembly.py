"""Chooses the event log by its settings, with what runs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.metrics import EventMetrics
from clientsphere_common.events.ports import EventLog, EventOperations
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.events.sqlite.events import SCHEMA
from clientsphere_common.events.sqlite.file import SqliteFile
from clientsphere_common.events.sqlite.operations import SqliteEventOperations
from clientsphere_common.events.sqlite.trimming import EventTrimming
from clientsphere_common.modules import Module, Opened
from clientsphere_common.readiness import Check
from clientsphere_common.secrets.ports import Secrets

PASSWORD = "kafka-password"  # noqa: S105 - the name of the secret


async def open_event_log(
    settings: EventLogSettings,
    data_dir: Path,
    secrets: Secrets,
    registry: CollectorRegistry,
    *,
    is_required: bool = True,
) -> Opened[EventLog]:
    """The log that a process works with. Brokers need not be there yet, nor stay.

    `is_required` False is for a process that only publishes, through its outbox: it works on.
    Raises NotFoundError when the settings want a password that is no secret.
    """
    log: EventLog
    modules: Sequence[Module]
    if settings.bootstrap_servers:
        kafka = await _kafka(settings, secrets)
        log, modules = kafka, [kafka]
    else:
        sqlite = SqliteEventLog(event_log_file(data_dir), retention_s=settings.retention_s)
        log, modules = sqlite, [sqlite, EventTrimming(sqlite)]
    metrics = EventMetrics(log, registry, settings.sample_interval_s)
    return Opened(log, [*modules, metrics], [Check("event log", log.check, is_required)])


async def open_event_operations(
    settings: EventLogSettings, data_dir: Path, secrets: Secrets
) -> Opened[EventOperations]:
    """The same log for an operator, beside the processes that work with it."""
    if settings.bootstrap_servers:
        kafka = await _kafka(settings, secrets)
        return Opened(kafka, [kafka])
    sqlite = SqliteEventOperations(SqliteFile(event_log_file(data_dir), SCHEMA, is_owner=False))
    return Opened(sqlite, [sqlite])


def event_log_file(data_dir: Path) -> Path:
    return data_dir / "events.db"


async def _kafka(settings: EventLogSettings, secrets: Secrets) -> KafkaEventLog:
    password = (await secrets.read(PASSWORD)).value if settings.uses_password else ""
    return KafkaEventLog(settings.cluster(password))
