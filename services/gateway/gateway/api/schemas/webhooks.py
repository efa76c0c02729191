"""Webhooks and their deliveries on the wire."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints, field_validator

from gateway.api.schemas.common import (
    WHOLE,
    Example,
    PageBody,
    RequestBody,
    ResponseBody,
    examples,
    repeatable,
)
from gateway.webhooks.model import (
    DeliveryState,
    DisabledReason,
    FailureReason,
    IssuedWebhook,
    SealedSecrets,
    Webhook,
    WebhookWish,
)

_WISH: Example = {
    "url": "https://hooks.kestrand.example/clientsphere",
    "description": "intranet index",
    "event_types": ["document.failed", "document.ready"],
    "enabled": True,
}
_WEBHOOK: Example = {
    "id": "whk_2d6c1f0b9a8e47d5b3c2a1908f7e6d5c",
    **_WISH,
    "disabled_reason": None,
    "failing_since": None,
    "created_at": "2026-11-23T09:30:00.125000Z",
    "updated_at": "2026-11-23T09:30:00.125000Z",
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwoRt5tA3bD1E="  # noqa: S105 - an example
_DELIVERY: Example = {
    "id": "whd_0c5f1d3e7b9a4f6c8d2e1a0b9c8d7e6f",
    "webhook_id": _WEBHOOK["id"],
    "event_id": "evt_5b0d8d0d5c7d5a0c9c0a3f0b1e2d4c6a",
    "event_type": "document.ready",
    "state": "pending",
    "attempts": 2,
    "created_at": "2026-11-23T09:31:00.125000Z",
    "next_attempt_at": "2026-11-23T09:31:41.125000Z",
    "last_attempt_at": "2026-11-23T09:31:10.125000Z",
    "response_status": 503,
    "reason": "not_accepted",
}

EventType = Literal["document.uploaded", "document.ready", "document.failed", "document.deleted"]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


class WebhookWishBody(RequestBody):
    model_config = examples(_WISH)

    url: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """`https`, with a public name."""
    description: Description = ""
    event_types: Annotated[frozenset[EventType], Field(min_length=1, json_schema_extra=repeatable)]
    enabled: StrictBool = True
    """False: nothing is sent, and what waits is given up."""

    def to_model(self) -> WebhookWish:
        return WebhookWish(self.url, self.description, frozenset(self.event_types), self.enabled)


class WebhookBody(ResponseBody):
    model_config = examples(_WEBHOOK)

    id: str
    url: str
    description: str
    event_types: list[str]
    enabled: bool
    disabled_reason: DisabledReason | None
    """`by_request`; `failing`: its receiver accepted nothing for days; `gone`: it answered 410."""
    failing_since: datetime | None
    """Null when the last attempt was accepted, or none was made."""
    created_at: datetime
    updated_at: datetime

    @field_validator("event_types", mode="before")
    @classmethod
    def _in_one_order(cls, event_types: Collection[str]) -> list[str]:
        return sorted(event_types)

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookBody:
        return cls.model_validate(_fields(webhook))


class CreatedWebhook(WebhookBody):
    model_config = examples({**_WEBHOOK, "secret": _SECRET})

    secret: str
    """Verifies signatures; shown this once."""

    @classmethod
    def of_issued(cls, issued: IssuedWebhook) -> CreatedWebhook:
        return cls.model_validate(_fields(issued.webhook) | {"secret": issued.secret})


class WebhookList(PageBody[WebhookBody]):
    model_config = examples({"items": [_WEBHOOK], "next_page_token": None})


class SecretRotationBody(RequestBody):
    model_config = examples({"overlap_hours": 24})

    overlap_hours: Annotated[int, Field(ge=0, le=168), WHOLE] = 24
    """For so long the secret before signs, too."""


class RotatedSecret(ResponseBody):
    model_config = examples(
        {"secret": _SECRET, "previous_secret_ends_at": "2026-11-24T09:30:00.125000Z"}
    )

    secret: str
    """Shown this once."""
    previous_secret_ends_at: datetime

    @classmethod
    def of(cls, secret: str, secrets: SealedSecrets) -> RotatedSecret:
        return cls.model_validate(
            {"secret": secret, "previous_secret_ends_at": secrets.previous_ends_at}
        )


class DeliveryBody(ResponseBody):
    model_config = examples(_DELIVERY)

    id: str
    webhook_id: str
    event_id: str
    """What the receiver sees as `webhook-id`."""
    event_type: str
    state: DeliveryState
    """`pending`, `delivered`, or `dead`: given up."""
    attempts: int
    """Since it was made, or sent again by hand."""
    created_at: datetime
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    response_status: int | None
    """Of the last attempt; null when nobody answered. The answer's body is not kept."""
    reason: FailureReason | None
    """Why the last attempt failed, or why there will be none."""


class DeliveryList(PageBody[DeliveryBody]):
    model_config = examples({"items": [_DELIVERY], "next_page_token": None})


def _fields(webhook: Webhook) -> dict[str, object]:
    wish = vars(webhook.wish)
    return vars(webhook) | wish | {"enabled": webhook.wish.is_enabled}
