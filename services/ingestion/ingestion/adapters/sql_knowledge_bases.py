"""Knowledge bases as rows."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, ScalarSelect, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.ids import derived_id, new_id
from clientsphere_common.request import Caller
from ingestion.adapters.tables import DocumentRow, KnowledgeBaseRow, OutboxRow
from ingestion.events import document_deleted
from ingestion.model import KnowledgeBase, VersionKey

DEFAULT_NAME = "default"


class SqlKnowledgeBases:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def create(self, caller: Caller, name: str) -> KnowledgeBase:
        async with self._database.transaction(caller.tenant_id) as session:
            if await _find(session, KnowledgeBaseRow.name == name) is not None:
                raise ConflictError(
                    "knowledge_base_exists", f"There is a knowledge base named {name!r} already."
                )
            created = _add(session, caller, new_id("kb"), name)
        self._relay.wake()
        return created

    async def ensure_default(self, caller: Caller) -> str:
        # The id follows from the tenant, so that two first uploads make one and the same.
        async with self._database.transaction(caller.tenant_id) as session:
            found = await _find(session, KnowledgeBaseRow.name == DEFAULT_NAME)
            if found is not None:
                return found.id
            created = _add(session, caller, derived_id("kb", caller.tenant_id), DEFAULT_NAME)
        self._relay.wake()
        return created.id

    async def get(self, tenant_id: str, knowledge_base_id: str) -> KnowledgeBase:
        async with self._database.snapshot(tenant_id) as session:
            found = await _find(session, KnowledgeBaseRow.id == knowledge_base_id)
        if found is None:
            raise _not_found()
        return found

    async def list_all(self, tenant_id: str) -> list[KnowledgeBase]:
        query = select(KnowledgeBaseRow, _document_count()).order_by(
            KnowledgeBaseRow.created_at_ms, KnowledgeBaseRow.id
        )
        async with self._database.snapshot(tenant_id) as session:
            rows = (await session.execute(query)).all()
        return [_to_model(row, count) for row, count in rows]

    async def delete(self, caller: Caller, knowledge_base_id: str) -> list[str]:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await session.get(KnowledgeBaseRow, knowledge_base_id)
            if row is None:
                raise _not_found()
            document_ids = await _tombstone_documents(session, caller.tenant_id, row.id)
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


def _not_found() -> NotFoundError:
    return NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")


def _add(session: AsyncSession, caller: Caller, new_kb_id: str, name: str) -> KnowledgeBase:
    row = KnowledgeBaseRow(id=new_kb_id, name=name, created_at_ms=int(time.time() * 1000))
    session.add(row)
    fact = AuditFact("knowledge_base.created", "knowledge_base", new_kb_id, details={"name": name})
    add_to_outbox(session, OutboxRow, audit_event(caller, fact))
    return _to_model(row, 0)


async def _find(session: AsyncSession, condition: ColumnElement[bool]) -> KnowledgeBase | None:
    query = select(KnowledgeBaseRow, _document_count()).where(condition)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _to_model(found[0], found[1])


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


def _document_count() -> ScalarSelect[int]:
    return (
        select(func.count(DocumentRow.id))
        .where(DocumentRow.knowledge_base_id == KnowledgeBaseRow.id, DocumentRow.deleted_at_ms == 0)
        .correlate(KnowledgeBaseRow)
        .scalar_subquery()
    )


def _to_model(row: KnowledgeBaseRow, document_count: int) -> KnowledgeBase:
    return KnowledgeBase(row.id, row.name, row.created_at_ms, document_count)
