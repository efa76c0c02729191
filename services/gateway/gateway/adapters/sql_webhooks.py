"""The webhooks of tenants, as rows."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.adapters.sql_idempotency import is_first_effect
from gateway.adapters.tables import OutboxRow, WebhookDeliveryRow, WebhookRow
from gateway.times import from_unix_ms, to_unix_ms
from gateway.webhooks.model import (
    DeliveryState,
    DisabledReason,
    FailureReason,
    SealedSecrets,
    Webhook,
    WebhookWish,
)


class SqlWebhooks:
    """Writers of a tenant take turns, so what a block has read holds until it commits."""

    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def add(self, caller: Caller, webhook: Webhook, at_most: int) -> Webhook:
        async with self._database.transaction(caller.tenant_id) as session:
            if not await is_first_effect(session):
                return _to_model(await _own_row(session, webhook.id))
            if (await session.scalar(select(func.count(WebhookRow.id))) or 0) >= at_most:
                raise ConflictError(
                    "too_many_webhooks", f"A tenant has at most {at_most} webhooks: remove one."
                )
            row = _to_row(webhook)
            session.add(row)
            tell_of_webhook(session, caller, "webhook.created", row)
        self._relay.wake()
        return webhook

    async def page(self, tenant_id: str, wish: PageWish) -> Page[Webhook]:
        listing = Listing(WebhookRow, ("webhooks", tenant_id))
        async with self._database.snapshot(tenant_id) as session:
            page = await read_page(session, select(WebhookRow), listing, wish)
        return page.of(lambda row: _to_model(row[0]))

    async def get(self, tenant_id: str, webhook_id: str) -> Webhook:
        async with self._database.snapshot(tenant_id) as session:
            return _to_model(await _own_row(session, webhook_id))

    async def update(
        self,
        caller: Caller,
        webhook_id: str,
        wish: WebhookWish,
        at: datetime,
        only_if: Precondition = UNCONDITIONAL,
    ) -> Webhook:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, webhook_id)
            if not await is_first_effect(session):
                return _to_model(row)
            only_if.require(_to_model(row).version)
            row.url = wish.url
            row.description = wish.description
            row.event_types = sorted(wish.event_types)
            row.updated_at_ms = to_unix_ms(at)
            if not wish.is_enabled and not row.disabled_reason:
                await disable(session, row, DisabledReason.BY_REQUEST, to_unix_ms(at))
            elif wish.is_enabled:
                _begin_anew(row)
            tell_of_webhook(session, caller, "webhook.updated", row)
        self._relay.wake()
        return _to_model(row)

    async def replace_secret(
        self, caller: Caller, webhook_id: str, secret: bytes, at: datetime, ends_at: datetime
    ) -> SealedSecrets:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, webhook_id)
            if not await is_first_effect(session):
                return secrets_of(row)
            row.previous_secret = row.secret
            row.previous_secret_ends_at_ms = to_unix_ms(ends_at)
            row.secret = secret
            row.updated_at_ms = to_unix_ms(at)
            until = {"previous_secret_ends_at": ends_at.isoformat()}
            tell_of_webhook(session, caller, "webhook.secret_rotated", row, **until)
        self._relay.wake()
        return secrets_of(row)

    async def delete(
        self, caller: Caller, webhook_id: str, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, webhook_id)
            only_if.require(_to_model(row).version)
            tell_of_webhook(session, caller, "webhook.deleted", row)
            await session.delete(row)
        self._relay.wake()


async def disable(
    session: AsyncSession, row: WebhookRow, reason: DisabledReason, at_ms: int
) -> None:
    """And give up what was still to be delivered."""
    row.disabled_reason = reason.value
    pending = (
        WebhookDeliveryRow.webhook_id == row.id,
        WebhookDeliveryRow.state == DeliveryState.PENDING.value,
    )
    await session.execute(
        update(WebhookDeliveryRow)
        .where(*pending)
        .values(
            state=DeliveryState.DEAD.value,
            reason=FailureReason.WEBHOOK_DISABLED.value,
            settled_at_ms=at_ms,
        )
    )


def tell_of_webhook(
    session: AsyncSession, caller: Caller, action: str, row: WebhookRow, **details: str
) -> None:
    """The rest of the URL may be a secret between the tenant and its receiver."""
    facts = {
        "host": urlsplit(row.url).hostname or "",
        "events": " ".join(row.event_types),
        "disabled": row.disabled_reason,
        **details,
    }
    told = {name: value for name, value in facts.items() if value}
    fact = AuditFact(action, "webhook", row.id, details=told)
    add_to_outbox(session, OutboxRow, audit_event(caller, fact))


def secrets_of(row: WebhookRow) -> SealedSecrets:
    ends_at_ms = row.previous_secret_ends_at_ms
    return SealedSecrets(
        row.secret, row.previous_secret, None if ends_at_ms is None else from_unix_ms(ends_at_ms)
    )


def _begin_anew(row: WebhookRow) -> None:
    row.disabled_reason = ""
    row.failures_in_row = row.rests_until_ms = 0
    row.failing_since_ms = None


async def _own_row(session: AsyncSession, webhook_id: str) -> WebhookRow:
    row = await session.get(WebhookRow, webhook_id)
    if row is None:
        raise NotFoundError("webhook_not_found", "There is no such webhook.")
    return row


def _to_row(webhook: Webhook) -> WebhookRow:
    return WebhookRow(
        id=webhook.id,
        tenant_id=webhook.tenant_id,
        url=webhook.wish.url,
        description=webhook.wish.description,
        event_types=sorted(webhook.wish.event_types),
        disabled_reason=webhook.disabled_reason or "",
        secret=webhook.secrets.current,
        created_at_ms=to_unix_ms(webhook.created_at),
        updated_at_ms=to_unix_ms(webhook.updated_at),
    )


def _to_model(row: WebhookRow) -> Webhook:
    return Webhook(
        id=row.id,
        tenant_id=row.tenant_id,
        wish=WebhookWish(
            row.url, row.description, frozenset(row.event_types), not row.disabled_reason
        ),
        secrets=secrets_of(row),
        created_at=from_unix_ms(row.created_at_ms),
        updated_at=from_unix_ms(row.updated_at_ms),
        disabled_reason=DisabledReason(row.disabled_reason) if row.disabled_reason else None,
        failing_since=None if row.failing_since_ms is None else from_unix_ms(row.failing_since_ms),
    )
