"""Deliveries to webhooks on their way, as rows that several gateways work on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.request import Caller
from gateway.adapters.sql_webhook_history import new_row
from gateway.adapters.sql_webhooks import disable, secrets_of, tell_of_webhook
from gateway.adapters.tables import WebhookDeliveryRow, WebhookRow
from gateway.times import from_unix_ms, to_unix_ms
from gateway.webhooks.model import Answer, Busy, ClaimedDelivery, DeliveryState, Notification
from gateway.webhooks.retrying import Health, Verdict, health_after

_PENDING = WebhookDeliveryRow.state == DeliveryState.PENDING.value
_OURSELVES = "gateway"


class SqlWebhookQueue:
    """Claims look across tenants; everything else happens within one."""

    def __init__(self, database: Database, relay: OutboxRelay, disable_after: timedelta) -> None:
        self._database = database
        self._relay = relay
        self._disable_after = disable_after

    async def enqueue(self, notification: Notification, at: datetime) -> int:
        occurred_at_ms = to_unix_ms(notification.occurred_at)
        wanting = select(WebhookRow).where(
            WebhookRow.disabled_reason == "", WebhookRow.created_at_ms <= occurred_at_ms
        )
        # Most tenants have none: those must not cost a turn among the writers.
        async with self._database.snapshot(notification.tenant_id) as session:
            if not _told(notification, (await session.scalars(wanting)).all()):
                return 0
        new = 0
        async with self._database.transaction(notification.tenant_id) as session:
            for webhook in _told(notification, (await session.scalars(wanting)).all()):
                row = new_row(webhook.id, notification, at)
                if await session.get(WebhookDeliveryRow, row.id) is None:
                    session.add(row)
                    new += 1
        return new

    async def claim(
        self, at: datetime, lease: timedelta, busy: Busy, limit: int
    ) -> Sequence[ClaimedDelivery]:
        at_ms, until_ms = to_unix_ms(at), to_unix_ms(at + lease)
        async with self._database.system_transaction() as session:
            ids = (await session.scalars(_next_of_each(at_ms, busy, limit))).all()
            if not ids:
                return ()
            # Looked at again under a lock: another gateway may have been faster.
            query = (
                select(WebhookDeliveryRow, WebhookRow)
                .join(WebhookRow, WebhookRow.id == WebhookDeliveryRow.webhook_id)
                .where(
                    WebhookDeliveryRow.id.in_(ids), _PENDING, WebhookDeliveryRow.due_at_ms <= at_ms
                )
                .with_for_update(of=WebhookDeliveryRow, skip_locked=True)
            )
            taken = []
            for row, webhook in (await session.execute(query)).all():
                row.due_at_ms = until_ms
                row.claims += 1
                row.attempts += 1
                row.last_attempt_at_ms = at_ms
                taken.append(_to_claimed(row, webhook))
        return taken

    async def settle(self, claimed: ClaimedDelivery, verdict: Verdict) -> None:
        async with self._database.transaction(claimed.tenant_id) as session:
            row = await _still_claimed(session, claimed)
            webhook = await session.get(WebhookRow, claimed.webhook_id)
            if row is None or webhook is None:
                return
            _note(row, verdict)
            if not webhook.disabled_reason:
                await self._note_health(session, webhook, verdict.answer, verdict.at)
        self._relay.wake()

    async def release(self, claimed: ClaimedDelivery, due_at: datetime) -> None:
        async with self._database.transaction(claimed.tenant_id) as session:
            row = await _still_claimed(session, claimed)
            if row is not None and row.state == DeliveryState.PENDING.value:
                row.due_at_ms = to_unix_ms(due_at)
                row.attempts -= 1

    async def remove_settled(self, before: datetime, limit: int) -> int:
        row = WebhookDeliveryRow
        oldest = select(row.id).where(row.settled_at_ms < to_unix_ms(before)).limit(limit)
        async with self._database.system_transaction() as session:
            ids = (await session.scalars(oldest)).all()
            if ids:
                await session.execute(delete(row).where(row.id.in_(ids)))
        return len(ids)

    async def overdue_since(self, at: datetime) -> datetime | None:
        at_ms = to_unix_ms(at)
        query = (
            select(func.min(WebhookDeliveryRow.due_at_ms))
            .join(WebhookRow, WebhookRow.id == WebhookDeliveryRow.webhook_id)
            .where(_PENDING, _is_awake(at_ms), WebhookDeliveryRow.due_at_ms <= at_ms)
        )
        async with self._database.system_snapshot() as session:
            since_ms = await session.scalar(query)
        return None if since_ms is None else from_unix_ms(since_ms)

    async def _note_health(
        self, session: AsyncSession, webhook: WebhookRow, answer: Answer, at: datetime
    ) -> None:
        health = health_after(_health_of(webhook), answer, at, self._disable_after)
        since, rests_until = health.failing_since, health.rests_until
        webhook.failures_in_row = health.failures_in_row
        webhook.failing_since_ms = None if since is None else to_unix_ms(since)
        webhook.rests_until_ms = 0 if rests_until is None else to_unix_ms(rests_until)
        if health.disabled is not None:
            # The session must know the row as it is before others like it are changed.
            await session.flush()
            await disable(session, webhook, health.disabled, to_unix_ms(at))
            caller = Caller(webhook.tenant_id, _OURSELVES)
            tell_of_webhook(session, caller, "webhook.disabled", webhook)


def _told(notification: Notification, webhooks: Sequence[WebhookRow]) -> Sequence[WebhookRow]:
    return [one for one in webhooks if notification.type in one.event_types]


def _is_awake(at_ms: int) -> ColumnElement[bool]:
    return and_(WebhookRow.disabled_reason == "", WebhookRow.rests_until_ms <= at_ms)


def _next_of_each(at_ms: int, busy: Busy, limit: int) -> Select[str]:
    """In no order that would let some webhooks always come first."""
    row = WebhookDeliveryRow
    next_id = (
        select(row.id)
        .where(row.webhook_id == WebhookRow.id, _PENDING, row.due_at_ms <= at_ms)
        .order_by(row.due_at_ms)
        .limit(1)
        .scalar_subquery()
        .label("next_id")
    )
    of_each = (
        select(next_id)
        .where(
            _is_awake(at_ms),
            WebhookRow.id.not_in(busy.webhook_ids),
            WebhookRow.tenant_id.not_in(busy.tenant_ids),
        )
        .subquery()
    )
    return (
        select(of_each.c.next_id)
        .where(of_each.c.next_id.is_not(None))
        .order_by(func.random())
        .limit(limit)
    )


async def _still_claimed(
    session: AsyncSession, claimed: ClaimedDelivery
) -> WebhookDeliveryRow | None:
    row = await session.get(WebhookDeliveryRow, claimed.id)
    return row if row is not None and row.claims == claimed.claim else None


def _note(row: WebhookDeliveryRow, verdict: Verdict) -> None:
    """A webhook that was disabled meanwhile has given its deliveries up, unless they got there."""
    is_pending = row.state == DeliveryState.PENDING.value
    row.response_status = verdict.answer.status
    if not is_pending and verdict.state is not DeliveryState.DELIVERED:
        return
    row.state = verdict.state.value
    row.reason = verdict.answer.reason or ""
    if verdict.next_attempt_at is None:
        row.settled_at_ms = to_unix_ms(verdict.at)
    else:
        row.due_at_ms = to_unix_ms(verdict.next_attempt_at)


def _health_of(row: WebhookRow) -> Health:
    since_ms, until_ms = row.failing_since_ms, row.rests_until_ms
    return Health(
        row.failures_in_row,
        None if since_ms is None else from_unix_ms(since_ms),
        from_unix_ms(until_ms) if until_ms else None,
    )


def _to_claimed(row: WebhookDeliveryRow, webhook: WebhookRow) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row.id,
        tenant_id=row.tenant_id,
        webhook_id=row.webhook_id,
        claim=row.claims,
        attempt=row.attempts,
        notification=Notification(
            row.event_id,
            row.tenant_id,
            row.event_type,
            from_unix_ms(row.occurred_at_ms),
            row.payload,
        ),
        url=webhook.url,
        secrets=secrets_of(webhook),
        is_probe=webhook.failures_in_row > 0,
    )
