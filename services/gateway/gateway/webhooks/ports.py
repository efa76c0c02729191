"""What webhooks need from the tables and from the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.webhooks.model import (
    Answer,
    Busy,
    ClaimedDelivery,
    Delivery,
    DeliveryState,
    Notification,
    SealedSecrets,
    Webhook,
    WebhookWish,
)
from gateway.webhooks.retrying import Verdict


class WebhookStore(Protocol):
    """Every change is told to the audit trail, both or none.

    Ids of other tenants raise the same NotFoundError as ids that never existed. What an earlier
    attempt of the request in hand has done is not done again.
    """

    async def add(self, caller: Caller, webhook: Webhook, at_most: int) -> Webhook:
        """The webhook as it is stored, perhaps by an earlier attempt of the request in hand.

        Raises ConflictError when the tenant has `at_most` already.
        """
        ...

    async def page(self, tenant_id: str, wish: PageWish) -> Page[Webhook]:
        """Oldest first."""
        ...

    async def get(self, tenant_id: str, webhook_id: str) -> Webhook: ...

    async def update(
        self,
        caller: Caller,
        webhook_id: str,
        wish: WebhookWish,
        at: datetime,
        only_if: Precondition = UNCONDITIONAL,
    ) -> Webhook:
        """One that is disabled has its pending deliveries given up; enabled, it begins anew."""
        ...

    async def replace_secret(
        self, caller: Caller, webhook_id: str, secret: bytes, at: datetime, ends_at: datetime
    ) -> SealedSecrets:
        """The secret before signs until `ends_at` too; an older one ends at once."""
        ...

    async def delete(
        self, caller: Caller, webhook_id: str, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        """With all its deliveries."""
        ...


class DeliveryHistory(Protocol):
    """Of one webhook. Raises NotFoundError as `WebhookStore` does."""

    async def page(
        self, webhook: Webhook, state: DeliveryState | None, wish: PageWish
    ) -> Page[Delivery]:
        """Newest first. Raises InvalidInputError for a token that was not handed out."""
        ...

    async def add_test(
        self, webhook: Webhook, notification: Notification, at: datetime
    ) -> Delivery:
        """One that is there already is returned: the request is repeated.

        Raises ConflictError for a webhook that is disabled.
        """
        ...

    async def redeliver(self, webhook: Webhook, delivery_id: str, at: datetime) -> Delivery:
        """Give a settled delivery all its attempts again, the first one now.

        Does nothing when an earlier attempt of the request in hand has done it.

        Raises ConflictError for one that is pending or whose webhook is disabled.
        """
        ...


class DeliveryQueue(Protocol):
    async def enqueue(self, notification: Notification, at: datetime) -> int:
        """Make a delivery for each webhook of the tenant that wants it, and count the new ones.

        Doing it again changes nothing. Webhooks made after it happened are not told.
        """
        ...

    async def claim(
        self, at: datetime, lease: timedelta, busy: Busy, limit: int
    ) -> Sequence[ClaimedDelivery]:
        """Take deliveries of all tenants that are due, one a webhook, for the length of `lease`.

        Nobody else gets them meanwhile; when it ends without `settle`, somebody does.
        """
        ...

    async def settle(self, claimed: ClaimedDelivery, verdict: Verdict) -> None:
        """Note how the attempt ended; nothing when the delivery is no longer this claim's."""
        ...

    async def release(self, claimed: ClaimedDelivery, due_at: datetime) -> None:
        """Undo the claim: no attempt was made."""
        ...

    async def remove_settled(self, before: datetime, limit: int) -> int:
        """Forget the oldest deliveries that were settled before then; tell how many."""
        ...

    async def overdue_since(self, at: datetime) -> datetime | None:
        """Since when the oldest delivery is due that nothing but we holds up."""
        ...


class Receivers(Protocol):
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises for anything that a receiver, or its name server, does."""
        ...
