"""clientsphere.audit.v1.AuditService on the wire ⇄ the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.model import Link, TrailChoice
from audit.trail import AuditTrail
from clientsphere.audit.v1 import audit_service_pb2 as wire
from clientsphere.audit.v1 import audit_service_pb2_grpc
from clientsphere.events.v1 import audit_pb2
from clientsphere_common.request import current_caller

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """Every call is for the tenant of its verified caller."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def ListEvents(
        self, request: wire.ListEventsRequest, context: Context
    ) -> wire.ListEventsResponse:
        page = await self._trail.page(
            current_caller(), _choice_from_proto(request), request.page_size, request.page_token
        )
        return wire.ListEventsResponse(
            events=[_to_proto(link) for link in page.items],
            next_page_token=page.next_page_token or "",
        )

    async def GetHead(self, request: wire.GetHeadRequest, context: Context) -> wire.Head:
        head = await self._trail.head(current_caller())
        return wire.Head(sequence=head.sequence, hash=head.hash)


def _choice_from_proto(request: wire.ListEventsRequest) -> TrailChoice:
    has_start = request.HasField("occurred_from_ms")
    has_end = request.HasField("occurred_before_ms")
    return TrailChoice(
        after_sequence=request.after_sequence,
        action=request.action,
        principal_id=request.principal_id,
        outcome=request.outcome,
        occurred_from_ms=request.occurred_from_ms if has_start else None,
        occurred_before_ms=request.occurred_before_ms if has_end else None,
    )


def _to_proto(link: Link) -> wire.ChainedEvent:
    event = link.event
    return wire.ChainedEvent(
        sequence=link.sequence,
        event=audit_pb2.AuditRecorded(
            action=event.action,
            principal_id=event.principal_id,
            target_type=event.target_type,
            target_id=event.target_id,
            outcome=event.outcome,
            occurred_at_ms=event.occurred_at_ms,
            request_id=event.request_id,
            details=event.details,
        ),
        event_id=event.event_id,
        hash=link.hash,
        previous_hash=link.previous_hash,
    )
