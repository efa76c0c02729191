"""What arrives on topic `audit` is recorded, or refused so that it ends among the dead letters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.consumer import AuditEventsConsumer
from audit.model import TrailChoice
from audit.trail import AuditTrail
from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.events.model import Event
from clientsphere_common.request import Caller, Trace, set_trace

CALLER = Caller("tnt_a", "usr_1", ("editor",))


@pytest.fixture
def consumer(trail: AuditTrail) -> AuditEventsConsumer:
    return AuditEventsConsumer(trail)


class TestAuditEventsConsumer:
    async def test_records_the_fact_as_the_service_told_it(
        self, consumer: AuditEventsConsumer, trail: AuditTrail
    ) -> None:
        set_trace(Trace("req_1", "00-a-b-01"))
        fact = AuditFact("document.deleted", "document", "doc_1", "denied", {"name": "plan.pdf"})
        event = audit_event(CALLER, fact)

        await consumer.handle(event)

        (link,) = (await trail.page(CALLER, TrailChoice(), 0)).items
        assert link.event.event_id == event.id
        assert link.event.facts() == {
            "action": "document.deleted",
            "principal_id": "usr_1",
            "target_type": "document",
            "target_id": "doc_1",
            "outcome": "denied",
            "occurred_at_ms": event.occurred_at_ms,
            "request_id": "req_1",
            "details": {"name": "plan.pdf"},
        }

    async def test_records_an_event_once_however_often_it_is_delivered(
        self, consumer: AuditEventsConsumer, trail: AuditTrail
    ) -> None:
        event = audit_event(CALLER, AuditFact("question.asked"))
        for _ in range(3):
            await consumer.handle(event)
        assert (await trail.head(CALLER)).sequence == 1

    async def test_refuses_what_is_no_audit_event(
        self, consumer: AuditEventsConsumer, trail: AuditTrail
    ) -> None:
        genuine = audit_event(CALLER, AuditFact("question.asked"))
        impostors: list[Event] = [
            replace(genuine, payload=b"\xff\xff not protobuf"),
            replace(genuine, payload=b""),
            replace(genuine, type="DocumentUploaded"),
        ]
        for impostor in impostors:
            with pytest.raises(InvalidInputError) as refused:
                await consumer.handle(impostor)
            assert refused.value.code == "invalid_audit_event"
        assert (await trail.head(CALLER)).sequence == 0
