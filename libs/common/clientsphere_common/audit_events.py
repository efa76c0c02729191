"""How any service says that something happened which an auditor must be able to see."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clientsphere.events.v1 import audit_pb2
from clientsphere_common.events.model import Event
from clientsphere_common.ids import new_id
from clientsphere_common.request import Caller, current_trace

AUDIT_TOPIC = "audit"


@dataclass(frozen=True)
class AuditFact:
    """`action` is past tense and stable, such as `document.uploaded`; docs/audit.md lists them."""

    action: str
    target_type: str = ""
    target_id: str = ""
    outcome: Literal["succeeded", "denied", "failed"] = "succeeded"
    details: Mapping[str, str] = field(default_factory=dict)


def audit_event(caller: Caller, fact: AuditFact) -> Event:
    """The event that records `fact` in the trail of the caller's tenant."""
    occurred_at_ms = int(time.time() * 1000)
    trace = current_trace()
    recorded = audit_pb2.AuditRecorded(
        action=fact.action,
        principal_id=caller.principal_id,
        target_type=fact.target_type,
        target_id=fact.target_id,
        outcome=fact.outcome,
        occurred_at_ms=occurred_at_ms,
        request_id=trace.request_id,
        details=fact.details,
    )
    return Event(
        id=new_id("evt"),
        topic=AUDIT_TOPIC,
        key=caller.tenant_id,
        type="AuditRecorded",
        tenant_id=caller.tenant_id,
        payload=recorded.SerializeToString(),
        occurred_at_ms=occurred_at_ms,
        headers={"request_id": trace.request_id, "traceparent": trace.traceparent},
    )
