"""Audit events from the event log ⇄ the trail."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from audit.model import AuditEvent
from audit.trail import AuditTrail
from clientsphere.events.v1 import audit_pb2
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.events.model import Event

TRAIL_GROUP = "audit-trail"


class AuditEventsConsumer:
    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def handle(self, event: Event) -> None:
        """Raises InvalidInputError for what is no audit event: it ends among the dead letters."""
        recorded = _decoded(event)
        await self._trail.record(
            event.tenant_id,
            AuditEvent(
                event_id=event.id,
                action=recorded.action,
                principal_id=recorded.principal_id,
                target_type=recorded.target_type,
                target_id=recorded.target_id,
                outcome=recorded.outcome,
                occurred_at_ms=recorded.occurred_at_ms,
                request_id=recorded.request_id,
                details=dict(recorded.details),
            ),
        )


def _decoded(event: Event) -> audit_pb2.AuditRecorded:
    refused = InvalidInputError("invalid_audit_event", "This is not an audit event.")
    if event.type != audit_pb2.AuditRecorded.DESCRIPTOR.name:
        raise refused
    try:
        return audit_pb2.AuditRecorded.FromString(event.payload)
    except DecodeError as error:
        raise refused from error
