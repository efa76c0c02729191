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
from clientsphere_common.db.migrations import Migrations
from clientsphere_common.db.session import Database
from clientsphere_common.events.model import Subscription
from clientsphere_common.events.ports import EventLog
from clientsphere_common.modules import ServiceParts
from clientsphere_common.readiness import Check

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    database_url: str
    event_log: EventLog


def build(settings: AuditSettings, around: Surroundings) -> ServiceParts:
    database = Database(around.database_url)
    trail = AuditTrail(SqlTrailStore(database))
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
        modules=(Migrations(around.database_url, MIGRATIONS), database),
        workers=(around.event_log.consumer(subscription),),
        checks=(Check("audit tables", database.check),),
    )
