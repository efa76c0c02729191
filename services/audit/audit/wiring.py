"""Builds the audit service from its settings and what the process gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc

from audit.adapters.sql_trail import SqlTrailStore
from audit.consumer import TRAIL_GROUP, AuditEventsConsumer
from audit.servicer import AuditServicer
from audit.settings import AuditSettings
from audit.trail import AuditTrail
from clientsphere.audit.v1 import audit_service_pb2_grpc
from clientsphere_common.audit_events import AUDIT_TOPIC
from clientsphere_common.db.session import Database
from clientsphere_common.events.model import Subscription
from clientsphere_common.events.ports import EventLog
from clientsphere_common.modules import Opened, ServiceParts

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    tables: Opened[Database]
    """At the schema of `MIGRATIONS`."""
    event_log: EventLog


def build(settings: AuditSettings, around: Surroundings) -> ServiceParts:
    trail = AuditTrail(SqlTrailStore(around.tables.use))
    servicer = AuditServicer(trail)
    subscription = Subscription(
        topic=AUDIT_TOPIC,
        group=TRAIL_GROUP,
        handler=AuditEventsConsumer(trail).handle,
        max_attempts=settings.record_attempts,
        handler_timeout_s=settings.record_timeout_s,
        retry_delay_s=settings.retry_delay_s,
    )

    def register(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(servicer, server)

    return ServiceParts(
        name="audit",
        register=register,
        modules=around.tables.modules,
        workers=(around.event_log.consumer(subscription),),
        checks=around.tables.checks,
    )
