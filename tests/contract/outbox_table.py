"""An outbox without a service, and events to put into it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase

from clientsphere_common.db.outbox import OutboxColumns, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.events.model import Event


class Base(DeclarativeBase):
    pass


class Outbox(OutboxColumns, Base):
    __tablename__ = "outbox"


def numbered(number: int, key: str = "doc_1", tenant_id: str = "tnt_a") -> Event:
    return Event(
        f"evt_{key}_{number}", "documents", key, "Numbered", tenant_id, str(number).encode(), 0
    )


async def write(database: Database, events: Iterable[Event]) -> None:
    async with database.transaction("tnt_a") as session:
        for event in events:
            add_to_outbox(session, Outbox, event)


async def waiting(database: Database) -> int:
    async with database.system_snapshot() as session:
        return await session.scalar(select(func.count()).select_from(Outbox)) or 0
