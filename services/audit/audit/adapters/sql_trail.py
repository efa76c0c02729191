"""The chains as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, select

from audit.adapters.tables import HeadRow, LinkRow
from audit.model import AuditEvent, Head, Link, TrailChoice
from clientsphere_common.db.session import Database


class SqlTrailStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self, tenant_id: str, event_id: str, link_after: Callable[[Head], Link]
    ) -> None:
        known = select(LinkRow.sequence).where(LinkRow.event_id == event_id)
        async with self._database.transaction(tenant_id) as session:
            if await session.scalar(known) is not None:
                return
            head = await session.get(HeadRow, tenant_id)
            link = link_after(_to_head(head))
            session.add(_to_row(link))
            if head is None:
                head = HeadRow()
                session.add(head)
            head.sequence, head.hash = link.sequence, link.hash

    async def links(self, tenant_id: str, choice: TrailChoice, limit: int) -> list[Link]:
        query = select(LinkRow).where(*_chosen(choice)).order_by(LinkRow.sequence).limit(limit)
        async with self._database.snapshot(tenant_id) as session:
            return [_to_link(row) for row in await session.scalars(query)]

    async def head(self, tenant_id: str) -> Head:
        async with self._database.snapshot(tenant_id) as session:
            return _to_head(await session.get(HeadRow, tenant_id))


def _chosen(choice: TrailChoice) -> Iterator[ColumnElement[bool]]:
    yield LinkRow.sequence > choice.after_sequence
    if choice.action:
        yield LinkRow.action == choice.action
    if choice.principal_id:
        yield LinkRow.principal_id == choice.principal_id
    if choice.outcome:
        yield LinkRow.outcome == choice.outcome
    if choice.occurred_from_ms is not None:
        yield LinkRow.occurred_at_ms >= choice.occurred_from_ms
    if choice.occurred_before_ms is not None:
        yield LinkRow.occurred_at_ms < choice.occurred_before_ms


def _to_head(row: HeadRow | None) -> Head:
    return Head() if row is None else Head(row.sequence, row.hash)


def _to_row(link: Link) -> LinkRow:
    return LinkRow(
        **link.event.facts(),
        sequence=link.sequence,
        event_id=link.event.event_id,
        previous_hash=link.previous_hash,
        hash=link.hash,
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
