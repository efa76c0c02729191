"""What a tenant of the fake gateway has, in the shapes of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.datastructures import QueryParams

from clientsphere_common.hash_chain import GENESIS_HASH, link_hash

AT = "2026-11-22T10:00:00Z"
DECLINED = "The documents do not contain the answer to this question."


@dataclass(frozen=True)
class Known:
    """What the documents say; `document` must have been uploaded to be cited."""

    quote: str
    document: str
    page: int | None = None
    heading_path: tuple[str, ...] = ("Rules",)


@dataclass
class FakeTenant:
    name: str
    knowledge_bases: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    api_keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    access: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was last set, by the id of what it is for."""
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    trail: list[dict[str, Any]] = field(default_factory=list)

    def chosen_api_keys(self, query: QueryParams) -> list[dict[str, Any]]:
        return [key for key in self.api_keys.values() if _fits(key, query, _key_state(key))]

    def chosen_documents(self, query: QueryParams) -> list[dict[str, Any]]:
        within = query.get("knowledge_base_id")
        return [
            document
            for document in self.documents.values()
            if within in (None, document["knowledge_base_id"])
            and _fits(document, query, document["state"])
        ]

    def chosen_events(self, query: QueryParams) -> list[dict[str, Any]]:
        after = int(query.get("after", 0))
        behind = [link for link in self.trail if link["sequence"] > after]
        return [link for link in behind if _is_chosen(link["event"], query)]

    def record(self, action: str, target_id: str = "") -> None:
        previous = self.trail[-1]["hash"] if self.trail else GENESIS_HASH
        sequence = len(self.trail) + 1
        event_id = f"evt_{sequence:032d}"
        event = {
            "action": action,
            "principal_id": f"key_{0:032d}",
            "target_type": "document",
            "target_id": target_id,
            "outcome": "succeeded",
            "occurred_at_ms": 1_795_341_600_000 + sequence,
            "request_id": f"req-{sequence}",
            "details": {},
        }
        self.trail.append(
            {
                "sequence": sequence,
                "event_id": event_id,
                "event": event,
                "previous_hash": previous,
                "hash": link_hash(previous, sequence, event_id, event),
            }
        )


def page_of(items: Sequence[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """In pages of two thirds of what was asked for, so that there are several."""
    start, size = int(query.get("page_token", 0)), int(query.get("page_size", 50))
    size = -(-size * 2 // 3)
    following = str(start + size) if len(items) > start + size else None
    return {"items": list(items[start : start + size]), "next_page_token": following}


def _fits(item: dict[str, Any], query: QueryParams, state: str) -> bool:
    states = query.getlist("state")
    return query.get("name", "").lower() in item["name"].lower() and state in (states or [state])


def _key_state(key: dict[str, Any]) -> str:
    if key["revoked_at"]:
        return "revoked"
    return "expired" if key["expires_at"] else "active"


def _is_chosen(event: dict[str, Any], query: QueryParams) -> bool:
    at = datetime.fromtimestamp(event["occurred_at_ms"] / 1000, UTC)
    since = datetime.fromisoformat(query.get("since", "0001-01-01T00:00:00Z"))
    until = datetime.fromisoformat(query.get("until", "9999-12-31T00:00:00Z"))
    names = {"action": "action", "principal": "principal_id", "outcome": "outcome"}
    return since <= at < until and all(
        query.get(name) in (None, event[field]) for name, field in names.items()
    )


def new_document(number: int, name: str, content: bytes) -> dict[str, Any]:
    return {
        "id": f"doc_{number:032d}",
        "name": name,
        "media_type": "text/plain",
        "size_bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "version": 1,
        "state": "queued",
        "progress": {"stage": "queued", "chunks_done": 0, "chunks_total": 0},
        "failure": None,
        "page_count": 0,
        "chunk_count": 0,
        "created_at": AT,
        "updated_at": AT,
    }


def new_delivery(number: int) -> dict[str, Any]:
    return {
        "id": f"whd_{number}",
        "event_type": "webhook.test",
        "state": "pending",
        "attempts": 1,
        "created_at": AT,
        "response_status": None,
        "reason": None,
    }


def passage_of(known: Known) -> dict[str, Any]:
    return {
        "rank": 1,
        "document_id": "doc_known",
        "document_name": known.document,
        "knowledge_base_id": "kb_default",
        "page": known.page,
        "heading_path": list(known.heading_path),
        "start": 0,
        "end": len(known.quote),
        "text": known.quote,
    }


def answer_from(tenant: FakeTenant, known: Known | None) -> dict[str, Any]:
    """Cites the tenant's own document of that name, or else an id that is not its own."""
    citations: list[dict[str, Any]] = []
    if known is not None:
        cited = {**passage_of(known), "number": 1, "quote": known.quote}
        ids = [one["id"] for one in tenant.documents.values() if one["name"] == known.document]
        cited["document_id"] = ids[0] if ids else "doc_of_somebody_else"
        citations.append(cited)
    return {
        "id": "ans_1",
        "answered": known is not None,
        "answer": f"{known.quote} [1]" if known else DECLINED,
        "citations": citations,
        "groundedness": 1.0 if known else 0.0,
        "model": "fake",
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "request_id": "req-answer",
    }
