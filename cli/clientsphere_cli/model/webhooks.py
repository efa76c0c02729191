"""Webhooks, and what is delivered to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Webhook:
    id: str
    url: str
    event_types: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None = None


@dataclass(frozen=True)
class NewWebhook:
    """`secret` is shown this once."""

    id: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    id: str
    event_type: str
    state: str
    attempts: int
    created_at: datetime
    response_status: int | None
    reason: str | None

    @property
    def is_settled(self) -> bool:
        return self.state != "pending"
