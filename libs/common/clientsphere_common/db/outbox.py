"""Events written in the transaction that caused them, and the relay that publishes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import JSON, LargeBinary, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from clientsphere_common.db.columns import CountingInt64, Int64
from clientsphere_common.db.session import Database, TenantScoped
from clientsphere_common.errors import ServiceError
from clientsphere_common.events.model import Event
from clientsphere_common.events.ports import EventPublisher

log = structlog.get_logger(__name__)

_BATCH = 200
_POLL_S = 1.0
_POLL_BEHIND_ANOTHER_S = 0.1


class OutboxColumns(TenantScoped):
    """Mixin of a service's outbox table."""

    position: Mapped[int] = mapped_column(CountingInt64, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String(64), unique=True)
    topic: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128))
    type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    occurred_at_ms: Mapped[Int64]


def add_to_outbox(session: AsyncSession, table: type[OutboxColumns], event: Event) -> None:
    """Have `event` published if, and only if, the session's transaction commits."""
    row = table()
    row.tenant_id = event.tenant_id
    row.event_id = event.id
    row.topic = event.topic
    row.key = event.key
    row.type = event.type
    row.payload = event.payload
    row.headers = dict(event.headers)
    row.occurred_at_ms = event.occurred_at_ms
    session.add(row)


class OutboxRelay:
    """Publishes a service's outbox in order and removes what was published.

    Of the processes of a service, one publishes at a time; another goes on when it dies. What it
    had published and not removed is published again, and recognised by its id.
    """

    def __init__(
        self, database: Database, table: type[OutboxColumns], publisher: EventPublisher
    ) -> None:
        self._database = database
        self._table = table
        self._publisher = publisher
        self._awake = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return f"relay of {self._table.__module__}"

    def wake(self) -> None:
        """Publish now rather than at the next poll; called after a commit."""
        self._awake.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Publish what is left, then end."""
        self._is_stopping = True
        self._awake.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._is_stopping:
            rest_s = await self._drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._awake.wait()
            self._awake.clear()
        await self._drain()

    async def _drain(self) -> float:
        """Publish all there is; return after how long to look again."""
        try:
            while (published := await self._publish_batch()) == _BATCH:
                continue
        except ServiceError as error:
            # The rows stay where they are; the next poll tries again.
            log.warning("outbox_relay_delayed", relay=self.name, code=error.code)
            return _POLL_S
        return _POLL_BEHIND_ANOTHER_S if published is None else _POLL_S

    async def _publish_batch(self) -> int | None:
        """Return how many there were, None when another process is publishing."""
        async with self._database.alone("outbox relay") as is_alone:
            return await self._publish_oldest() if is_alone else None

    async def _publish_oldest(self) -> int:
        """Take the oldest that are there, never those after a position: a lower one may follow.

        Positions are given before the commit, so a slow transaction shows an older one late.
        """
        table = self._table
        async with self._database.system_snapshot() as session:
            query = select(table).order_by(table.position).limit(_BATCH)
            rows = (await session.scalars(query)).all()
        if rows:
            await self._publisher.publish([_to_event(row) for row in rows])
            positions = [row.position for row in rows]
            async with self._database.system_transaction() as session:
                await session.execute(delete(table).where(table.position.in_(positions)))
        return len(rows)


def _to_event(row: OutboxColumns) -> Event:
    return Event(
        id=row.event_id,
        topic=row.topic,
        key=row.key,
        type=row.type,
        tenant_id=row.tenant_id,
        payload=row.payload,
        occurred_at_ms=row.occurred_at_ms,
        headers=row.headers,
    )
