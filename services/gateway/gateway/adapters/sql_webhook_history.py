"""What was delivered to webhooks, as rows: read, and asked for again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.ids import derived_id
from clientsphere_common.paging import Page, PageWish
from gateway.adapters.sql_idempotency import is_first_effect
from gateway.adapters.tables import WebhookDeliveryRow, WebhookRow
from gateway.times import from_unix_ms, to_unix_ms
from gateway.webhooks.model import (
    Delivery,
    DeliveryState,
    FailureReason,
    Notification,
    Webhook,
)


class SqlWebhookHistory:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, webhook: Webhook, state: DeliveryState | None, wish: PageWish
    ) -> Page[Delivery]:
        row = WebhookDeliveryRow
        statement = select(row).where(row.webhook_id == webhook.id)
        if state is not None:
            statement = statement.where(row.state == state.value)
        query = ("webhook_deliveries", webhook.tenant_id, webhook.id, state or "")
        async with self._database.snapshot(webhook.tenant_id) as session:
            page = await read_page(session, statement, Listing(row, query, newest_first=True), wish)
        return page.of(lambda found: _to_model(found[0]))

    async def add_test(
        self, webhook: Webhook, notification: Notification, at: datetime
    ) -> Delivery:
        row = new_row(webhook.id, notification, at)
        async with self._database.transaction(webhook.tenant_id) as session:
            sent_before = await session.get(WebhookDeliveryRow, row.id)
            if sent_before is not None:
                return _to_model(sent_before)
            await _woken_webhook(session, webhook.id)
            session.add(row)
        return _to_model(row)

    async def redeliver(self, webhook: Webhook, delivery_id: str, at: datetime) -> Delivery:
        async with self._database.transaction(webhook.tenant_id) as session:
            row = await session.get(WebhookDeliveryRow, delivery_id)
            if row is None or row.webhook_id != webhook.id:
                raise NotFoundError("webhook_delivery_not_found", "There is no such delivery.")
            if not await is_first_effect(session):
                return _to_model(row)
            await _woken_webhook(session, webhook.id)
            if row.state == DeliveryState.PENDING.value:
                raise ConflictError("webhook_delivery_pending", "The delivery is still on its way.")
            row.state = DeliveryState.PENDING.value
            row.attempts = 0
            row.due_at_ms = to_unix_ms(at)
            row.settled_at_ms = None
        return _to_model(row)


def new_row(webhook_id: str, notification: Notification, at: datetime) -> WebhookDeliveryRow:
    """Of the same id for the same event, always."""
    at_ms = to_unix_ms(at)
    return WebhookDeliveryRow(
        id=derived_id("whd", notification.event_id, webhook_id),
        tenant_id=notification.tenant_id,
        webhook_id=webhook_id,
        event_id=notification.event_id,
        event_type=notification.type,
        payload=notification.payload,
        state=DeliveryState.PENDING.value,
        due_at_ms=at_ms,
        claims=0,
        attempts=0,
        reason="",
        occurred_at_ms=to_unix_ms(notification.occurred_at),
        created_at_ms=at_ms,
    )


async def _woken_webhook(session: AsyncSession, webhook_id: str) -> None:
    """Somebody is at work on the receiver: do not let the webhook rest any longer."""
    row = await session.get(WebhookRow, webhook_id)
    if row is None:
        raise NotFoundError("webhook_not_found", "There is no such webhook.")
    if row.disabled_reason:
        raise ConflictError("webhook_disabled", "The webhook is disabled: enable it first.")
    row.rests_until_ms = 0


def _to_model(row: WebhookDeliveryRow) -> Delivery:
    is_pending = row.state == DeliveryState.PENDING.value
    last_ms = row.last_attempt_at_ms
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        event_type=row.event_type,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created_at=from_unix_ms(row.created_at_ms),
        next_attempt_at=from_unix_ms(row.due_at_ms) if is_pending else None,
        last_attempt_at=None if last_ms is None else from_unix_ms(last_ms),
        response_status=row.response_status,
        reason=FailureReason(row.reason) if row.reason else None,
    )
