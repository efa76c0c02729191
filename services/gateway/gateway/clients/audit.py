"""The audit service's trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientsphere.audit.v1 import audit_service_pb2 as audit
from clientsphere.audit.v1 import audit_service_pb2_grpc
from clientsphere_common.paging import PageWish
from clientsphere_common.rpc.calls import OutgoingCalls
from gateway.model.trail import RecordedFact, TrailChoice, TrailEvent, TrailHead, TrailPage
from gateway.times import first_unix_ms

if TYPE_CHECKING:
    import grpc


class AuditServiceTrail:
    def __init__(
        self, channel: grpc.aio.Channel, calls: OutgoingCalls, call_timeout_s: float
    ) -> None:
        self._stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        self._calls = calls
        self._timeout_s = call_timeout_s

    async def page(self, choice: TrailChoice, wish: PageWish) -> TrailPage:
        start, end = choice.since, choice.until
        request = audit.ListEventsRequest(
            after_sequence=choice.after,
            page_size=wish.size,
            action=choice.action,
            page_token=wish.token,
            principal_id=choice.principal_id,
            outcome=choice.outcome,
            occurred_from_ms=None if start is None else first_unix_ms(start),
            occurred_before_ms=None if end is None else first_unix_ms(end),
        )
        found = await self._calls.unary(self._stub.ListEvents, request, self._timeout_s)
        # Asked second: a head that is older than the events would look like a forged chain.
        head = await self._calls.unary(self._stub.GetHead, audit.GetHeadRequest(), self._timeout_s)
        items = tuple(_event(one) for one in found.events)
        newest = TrailHead(head.sequence, head.hash)
        return TrailPage(items, newest, found.next_page_token or None)


def _event(one: audit.ChainedEvent) -> TrailEvent:
    fact = RecordedFact(
        action=one.event.action,
        principal_id=one.event.principal_id,
        target_type=one.event.target_type,
        target_id=one.event.target_id,
        outcome=one.event.outcome,
        occurred_at_ms=one.event.occurred_at_ms,
        request_id=one.event.request_id,
        details=dict(one.event.details),
    )
    return TrailEvent(one.sequence, one.event_id, fact, one.previous_hash, one.hash)
