"""The audit trail on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.schemas.common import Example, PageBody, ResponseBody, examples

_EVENT: Example = {
    "sequence": 41,
    "event_id": "evt_7c6b5a49382716051423324150617283",
    "event": {
        "action": "question.asked",
        "principal_id": "key_4fJk29Qz",
        "target_type": "answer",
        "target_id": "ans_2f1e0d9c8b7a69584736251403f2e1d0",
        "outcome": "succeeded",
        "occurred_at_ms": 1795340000125,
        "request_id": "req_5f0c1d2e3b4a59687766554d",
        "details": {"answered": "true", "model": "extractive"},
    },
    "previous_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
}


class RecordedFactBody(ResponseBody):
    action: str
    """Past tense and stable."""
    principal_id: str
    target_type: str
    target_id: str
    outcome: str
    """`succeeded`, `denied` or `failed`."""
    occurred_at_ms: int
    """Unix milliseconds: the hash covers this number."""
    request_id: str
    details: Mapping[str, str]


class TrailEventBody(ResponseBody):
    sequence: int
    """From 1 without gaps."""
    event_id: str
    event: RecordedFactBody
    previous_hash: str
    hash: str


class TrailHeadBody(ResponseBody):
    sequence: int
    hash: str


class TrailPageBody(PageBody[TrailEventBody]):
    model_config = examples(
        {
            "items": [_EVENT],
            "next_page_token": None,
            "head": {"sequence": 41, "hash": str(_EVENT["hash"])},
        }
    )

    head: TrailHeadBody
    """The newest link of the chain."""
