"""A tenant's audit trail, as auditors read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RecordedFact:
    action: str
    principal_id: str
    target_type: str
    target_id: str
    outcome: str
    occurred_at_ms: int
    request_id: str
    details: Mapping[str, str]


@dataclass(frozen=True)
class TrailEvent:
    sequence: int
    event_id: str
    event: RecordedFact
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class TrailHead:
    sequence: int
    hash: str


@dataclass(frozen=True)
class TrailChoice:
    """Which events somebody asks for."""

    after: int = 0
    """A sequence number."""
    action: str = ""
    """Empty: every action."""
    principal_id: str = ""
    """Empty: every principal's."""
    outcome: str = ""
    """Empty: every outcome."""
    since: datetime | None = None
    until: datetime | None = None
    """Before it."""


@dataclass(frozen=True)
class TrailPage:
    items: tuple[TrailEvent, ...]
    head: TrailHead
    next_page_token: str | None = None
    """None: nothing that fits comes after it so far."""
