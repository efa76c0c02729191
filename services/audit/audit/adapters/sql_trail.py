"""The chains as rows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from audit.adapters.tables import LinkRow
from audit.model import AuditEvent, Head, Link
from clientsphere_common.db.session import Database
from clientsphere_common.hash_chain import GENESIS_HASH, link_hash


class SqlTrailStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, tenant_id: str, event: AuditEvent) -> None:
        async with self._database.transaction(tenant_id) as session:
            known = select(LinkRow.sequence).where(LinkRow.event_id == event.event_id)
            if await session.scalar(known) is not None:
                return
            head = await _head(session)
            session.add(_next_row(head, event))

    async def links(
        self, tenant_id: str, after_sequence: int, limit: int, action: str
    ) -> list[Link]:
        query = select(LinkRow).where(LinkRow.sequence > after_sequence)
        if action:
            query = query.where(LinkRow.action == action)
        query = query.order_by(LinkRow.sequence).limit(limit)
        async with self._database.snapshot(tenant_id) as session:
            return [_to_link(row) for row in await session.scalars(query)]

    async def head(self, tenant_id: str) -> Head:
        async with self._database.snapshot(tenant_id) as session:
            return await _head(session)


async def _head(session: AsyncSession) -> Head:
    newest = select(LinkRow.sequence, LinkRow.hash).order_by(LinkRow.sequence.desc()).limit(1)
    found = (await session.execute(newest)).one_or_none()
    return Head(0, "") if found is None else Head(found.sequence, found.hash)


def _next_row(head: Head, event: AuditEvent) -> LinkRow:
    previous_hash = head.hash or GENESIS_HASH
    sequence = head.sequence + 1
    facts = event.facts()
    return LinkRow(
        **facts,
        sequence=sequence,
        event_id=event.event_id,
        previous_hash=previous_hash,
        hash=link_hash(previous_hash, sequence, event.event_id, facts),
    )


def _to_link(row: LinkRow) -> Link:
    event = AuditEvent(
        event_id=row.event_id,
        action=row.action,
        principal_id=row.principal_id,
        target_type=row.target_type,
        target_id=row.target_id,
        outcome=row.outcome,
        occurred_at_ms=row.occurred_at_ms,
        request_id=row.request_id,
        details=row.details,
    )
    return Link(row.sequence, event, row.previous_hash, row.hash)
