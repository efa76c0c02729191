"""Knowledge bases as rows."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError
from clientsphere_common.ids import new_id as random_id
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from ingestion.adapters.sql_access import (
    add_audience,
    described,
    edited_knowledge_base,
    knowledge_base_not_found,
    remove_audiences,
    sees_document,
    sees_knowledge_base,
)
from ingestion.adapters.tables import Activity, DocumentRow, KnowledgeBaseRow, OutboxRow
from ingestion.events import document_deleted
from ingestion.model import KnowledgeBase, KnowledgeBaseAccess, VersionKey

DEFAULT_NAME = "default"


class SqlKnowledgeBases:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def create(
        self, caller: Caller, name: str, access: KnowledgeBaseAccess, new_id: str
    ) -> KnowledgeBase:
        async with self._database.transaction(caller.tenant_id) as session:
            if await session.get(KnowledgeBaseRow, new_id) is not None:
                return await _one(session, caller, new_id)
            if await _find(session, caller, KnowledgeBaseRow.name == name) is not None:
                raise ConflictError(
                    "knowledge_base_exists", f"There is a knowledge base named {name!r} already."
                )
            created = _add(session, caller, new_id, name, access)
        self._relay.wake()
        return created

    async def ensure_default(self, caller: Caller) -> str:
        # Writers take turns: of two first uploads, the second finds what the first one made.
        async with self._database.transaction(caller.tenant_id) as session:
            found = await _find(session, caller, KnowledgeBaseRow.name == DEFAULT_NAME)
            if found is not None:
                return found.id
            created = _add(session, caller, random_id("kb"), DEFAULT_NAME, KnowledgeBaseAccess())
        self._relay.wake()
        return created.id

    async def get(self, caller: Caller, knowledge_base_id: str) -> KnowledgeBase:
        async with self._database.snapshot(caller.tenant_id) as session:
            return await _one(session, caller, knowledge_base_id)

    async def require_editor(self, caller: Caller, knowledge_base_id: str) -> None:
        async with self._database.snapshot(caller.tenant_id) as session:
            await edited_knowledge_base(session, caller, knowledge_base_id)

    async def page(self, caller: Caller, wish: PageWish) -> Page[KnowledgeBase]:
        listing = Listing(KnowledgeBaseRow, ("knowledge_bases", caller.tenant_id))
        async with self._database.snapshot(caller.tenant_id) as session:
            page = await read_page(session, _seen(caller), listing, wish)
        return page.of(lambda row: _to_model(*row))

    async def delete(self, caller: Caller, knowledge_base_id: str) -> list[str]:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await edited_knowledge_base(session, caller, knowledge_base_id)
            document_ids = await _tombstone_documents(session, caller.tenant_id, row.id)
            await remove_audiences(session, row.id)
            await session.delete(row)
            fact = AuditFact(
                "knowledge_base.deleted",
                "knowledge_base",
                row.id,
                details={"name": row.name, "documents": str(len(document_ids))},
            )
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()
        return document_ids


def _add(
    session: AsyncSession, caller: Caller, new_id: str, name: str, access: KnowledgeBaseAccess
) -> KnowledgeBase:
    row = KnowledgeBaseRow(
        id=new_id,
        name=name,
        created_at_ms=int(time.time() * 1000),
        open_to_readers=access.readers.is_everyone,
        open_to_editors=access.editors.is_everyone,
        readers_revision=0,
    )
    session.add(row)
    add_audience(session, row.id, Activity.READ, access.readers)
    add_audience(session, row.id, Activity.EDIT, access.editors)
    details = {
        "name": name,
        "readers": described(access.readers),
        "editors": described(access.editors),
    }
    fact = AuditFact("knowledge_base.created", "knowledge_base", row.id, details=details)
    add_to_outbox(session, OutboxRow, audit_event(caller, fact))
    return _to_model(row, 0)


def _seen(caller: Caller) -> Select[KnowledgeBaseRow, int]:
    return select(KnowledgeBaseRow, _document_count(caller)).where(sees_knowledge_base(caller))


async def _find(
    session: AsyncSession, caller: Caller, condition: ColumnElement[bool]
) -> KnowledgeBase | None:
    oldest = _seen(caller).order_by(KnowledgeBaseRow.created_at_ms, KnowledgeBaseRow.id).limit(1)
    found = (await session.execute(oldest.where(condition))).one_or_none()
    return None if found is None else _to_model(found[0], found[1])


async def _one(session: AsyncSession, caller: Caller, knowledge_base_id: str) -> KnowledgeBase:
    found = await _find(session, caller, KnowledgeBaseRow.id == knowledge_base_id)
    if found is None:
        raise knowledge_base_not_found()
    return found


async def _tombstone_documents(
    session: AsyncSession, tenant_id: str, knowledge_base_id: str
) -> list[str]:
    living = select(DocumentRow.id, DocumentRow.latest_version).where(
        DocumentRow.knowledge_base_id == knowledge_base_id, DocumentRow.deleted_at_ms == 0
    )
    documents = (await session.execute(living)).all()
    await session.execute(
        update(DocumentRow)
        .where(DocumentRow.knowledge_base_id == knowledge_base_id, DocumentRow.deleted_at_ms == 0)
        .values(deleted_at_ms=int(time.time() * 1000))
    )
    for document_id, version in documents:
        event = document_deleted(VersionKey(tenant_id, document_id, version))
        add_to_outbox(session, OutboxRow, event)
    return [document_id for document_id, _ in documents]


def _document_count(caller: Caller) -> ScalarSelect[int]:
    return (
        select(func.count(DocumentRow.id))
        .where(
            DocumentRow.knowledge_base_id == KnowledgeBaseRow.id,
            DocumentRow.deleted_at_ms == 0,
            sees_document(caller),
        )
        .correlate(KnowledgeBaseRow)
        .scalar_subquery()
    )


def _to_model(row: KnowledgeBaseRow, document_count: int) -> KnowledgeBase:
    return KnowledgeBase(row.id, row.name, row.created_at_ms, document_count)
