"""The words of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AuditEvent:
    """Something that happened in a tenant, as it was published."""

    event_id: str
    action: str
    principal_id: str
    target_type: str
    target_id: str
    outcome: str
    occurred_at_ms: int
    request_id: str
    details: Mapping[str, str]

    def facts(self) -> dict[str, object]:
        """What the hash of the event's link covers; the names are those of the HTTP API."""
        return {
            "action": self.action,
            "principal_id": self.principal_id,
            "target_type": self.target_type,
            "target_id": self.target_id,
            "outcome": self.outcome,
            "occurred_at_ms": self.occurred_at_ms,
            "request_id": self.request_id,
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class Link:
    """An event in its tenant's chain."""

    sequence: int
    event: AuditEvent
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class TrailChoice:
    """Which links somebody asks for."""

    after_sequence: int = 0
    action: str = ""
    """Empty: every action."""
    principal_id: str = ""
    """Empty: every principal's."""
    outcome: str = ""
    """Empty: every outcome."""
    occurred_from_ms: int | None = None
    occurred_before_ms: int | None = None

    def words(self) -> tuple[str, ...]:
        """The choice as page tokens are bound to it."""
        times = (self.occurred_from_ms, self.occurred_before_ms)
        numbers = (self.after_sequence, *times)
        return self.action, self.principal_id, self.outcome, *map(str, numbers)


@dataclass(frozen=True)
class Head:
    """The newest link of a chain; 0 and empty before the first."""

    sequence: int = 0
    hash: str = ""
