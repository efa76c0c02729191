"""Webhooks, what is delivered to them, and how an attempt ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clientsphere_common.versions import version_of


class DisabledReason(StrEnum):
    BY_REQUEST = "by_request"
    FAILING = "failing"
    """Its receiver accepted nothing for days."""
    GONE = "gone"
    """Its receiver answered 410."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up; `reason` says why."""


class FailureReason(StrEnum):
    """Why an attempt failed, or why there will be none. Says nothing about names inside."""

    ADDRESS_UNUSABLE = "address_unusable"
    """The name has no address, or one that nothing is sent to."""
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    ANSWER_UNREADABLE = "answer_unreadable"
    """What came back is not HTTP, or ended too early."""
    NOT_ACCEPTED = "not_accepted"
    """The answer has another status than 2xx."""
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason, not a secret
    WEBHOOK_DISABLED = "webhook_disabled"


@dataclass(frozen=True)
class SealedSecrets:
    """What signs, encrypted under the key of the tenant."""

    current: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)
    previous_ends_at: datetime | None = None

    def alive(self, at: datetime) -> tuple[bytes, ...]:
        """The newest first."""
        ends_at = self.previous_ends_at
        if self.previous is None or ends_at is None or at >= ends_at:
            return (self.current,)
        return (self.current, self.previous)


@dataclass(frozen=True)
class WebhookWish:
    url: str = field(repr=False)
    """May hold a password of the receiver: for those who may manage webhooks only."""
    description: str
    event_types: frozenset[str]
    is_enabled: bool = True


@dataclass(frozen=True)
class Webhook:
    id: str
    tenant_id: str
    wish: WebhookWish
    secrets: SealedSecrets
    created_at: datetime
    updated_at: datetime
    disabled_reason: DisabledReason | None = None
    """None while it is enabled."""
    failing_since: datetime | None = None
    """None when the last attempt was accepted, or none was made."""

    @property
    def version(self) -> str:
        """Of what is shown of it."""
        times = (self.created_at, self.updated_at, self.failing_since)
        return version_of(self.id, self.wish, times, self.disabled_reason)


@dataclass(frozen=True)
class IssuedWebhook:
    webhook: Webhook
    secret: str = field(repr=False)
    """To be shown this once."""


@dataclass(frozen=True)
class Notification:
    """Something that happened, as receivers are told."""

    event_id: str
    tenant_id: str
    type: str
    occurred_at: datetime
    payload: bytes = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """One notification on its way to one webhook."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    state: DeliveryState
    attempts: int
    """Since it was made, or sent again by hand."""
    created_at: datetime
    next_attempt_at: datetime | None
    """None when there will be none."""
    last_attempt_at: datetime | None
    response_status: int | None
    """Of the last attempt; None when nobody answered."""
    reason: FailureReason | None
    """Of the last attempt; None when it was accepted or there was none."""


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that this process may try once, until the lease ends."""

    id: str
    tenant_id: str
    webhook_id: str
    claim: int
    """Tells this claim from every later one."""
    attempt: int
    """From 1."""
    notification: Notification
    url: str = field(repr=False)
    secrets: SealedSecrets
    is_probe: bool
    """The receiver accepted nothing lately: one at a time is enough to see whether it does."""


@dataclass(frozen=True)
class Busy:
    """What a process does not want more deliveries of for now."""

    webhook_ids: frozenset[str] = frozenset()
    tenant_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answer:
    """How a receiver answered."""

    status: int | None
    reason: FailureReason | None

    @classmethod
    def of_status(cls, status: int) -> Answer:
        is_accepted = 200 <= status < 300
        return cls(status, None if is_accepted else FailureReason.NOT_ACCEPTED)
