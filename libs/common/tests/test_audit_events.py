"""What a service tells the auditor, and in whose name."""

from __future__ import annotations

import time

from clientsphere.events.v1 import audit_pb2
from clientsphere_common.audit_events import AUDIT_TOPIC, AuditFact, audit_event
from clientsphere_common.request import Caller, Trace, set_trace

CALLER = Caller("tnt_a", "usr_1", ("editor",))


class TestAuditEvent:
    async def test_carries_the_fact_with_its_caller_and_request(self) -> None:
        set_trace(Trace("req_1", "00-a-b-01"))
        before_ms = int(time.time() * 1000)
        fact = AuditFact("document.deleted", "document", "doc_1", "denied", {"name": "plan.pdf"})

        event = audit_event(CALLER, fact)

        recorded = audit_pb2.AuditRecorded.FromString(event.payload)
        assert before_ms <= recorded.occurred_at_ms == event.occurred_at_ms
        assert recorded == audit_pb2.AuditRecorded(
            action="document.deleted",
            principal_id="usr_1",
            target_type="document",
            target_id="doc_1",
            outcome="denied",
            occurred_at_ms=event.occurred_at_ms,
            request_id="req_1",
            details={"name": "plan.pdf"},
        )

    async def test_a_tenants_events_keep_their_order(self) -> None:
        event = audit_event(CALLER, AuditFact("question.asked"))
        assert (event.topic, event.type) == (AUDIT_TOPIC, "AuditRecorded")
        assert event.key == event.tenant_id == "tnt_a"

    async def test_carries_the_trace_of_its_request(self) -> None:
        set_trace(Trace("req_1", "00-a-b-01"))
        event = audit_event(CALLER, AuditFact("question.asked"))
        assert event.headers == {"request_id": "req_1", "traceparent": "00-a-b-01"}

    async def test_each_event_has_an_id_of_its_own(self) -> None:
        fact = AuditFact("question.asked")
        assert audit_event(CALLER, fact).id != audit_event(CALLER, fact).id
