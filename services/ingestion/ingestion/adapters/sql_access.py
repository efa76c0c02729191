"""Who may read and edit what, as rows: asked for in queries, and changed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.access.audience import EVERYONE, Audience, Reader, reader_of
from clientsphere_common.access.model import Permission
from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.errors import NotFoundError, PermissionDeniedError
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import Readers
from clientsphere_common.versions import Precondition, version_of
from ingestion.adapters.tables import (
    Activity,
    AudienceRow,
    DocumentRow,
    KnowledgeBaseRow,
    OutboxRow,
)
from ingestion.events import document_readers_changed, knowledge_base_readers_changed
from ingestion.model import KnowledgeBaseAccess


def sees_knowledge_base(caller: Caller) -> ColumnElement[bool]:
    """Of the KnowledgeBaseRow of a query."""
    return _is_read(KnowledgeBaseRow, reader_of(caller))


def sees_document(caller: Caller) -> ColumnElement[bool]:
    """Of the DocumentRow of a query whose knowledge base the caller sees."""
    return _is_read(DocumentRow, reader_of(caller))


async def edited_knowledge_base(
    session: AsyncSession, caller: Caller, knowledge_base_id: str
) -> KnowledgeBaseRow:
    """Raises NotFoundError, PermissionDeniedError when the caller may only read it."""
    row = await _knowledge_base(session, caller, knowledge_base_id)
    editors = (await _access(session, row)).editors
    if not (editors.has(caller) or Permission.ACCESS_MANAGE in caller.permissions):
        raise PermissionDeniedError(
            "not_an_editor", "You may read this knowledge base, but not change what is in it."
        )
    return row


def knowledge_base_not_found() -> NotFoundError:
    return NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")


def document_not_found() -> NotFoundError:
    return NotFoundError("document_not_found", "There is no such document.")


def add_audience(
    session: AsyncSession, resource_id: str, activity: Activity, audience: Audience
) -> None:
    """Of something new. For everyone there are no rows: the resource's own row says it."""
    if not audience.is_everyone:
        for identity in audience.identities:
            session.add(AudienceRow(resource_id=resource_id, activity=activity, identity=identity))


async def remove_audiences(session: AsyncSession, resource_id: str) -> None:
    await session.execute(delete(AudienceRow).where(AudienceRow.resource_id == resource_id))


async def readers_of(session: AsyncSession, row: KnowledgeBaseRow | DocumentRow) -> Audience:
    if row.open_to_readers:
        return EVERYONE
    return await _audience(session, row.id, Activity.READ)


def described(audience: Audience) -> str:
    """For the trail."""
    return " ".join(sorted(audience.identities))


class SqlAccessRules:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def of_knowledge_base(
        self, caller: Caller, knowledge_base_id: str
    ) -> KnowledgeBaseAccess:
        async with self._database.snapshot(caller.tenant_id) as session:
            return await _access(session, await _knowledge_base(session, caller, knowledge_base_id))

    async def of_document(self, caller: Caller, document_id: str) -> Audience:
        async with self._database.snapshot(caller.tenant_id) as session:
            return await readers_of(session, await _document(session, caller, document_id))

    async def set_of_knowledge_base(
        self,
        caller: Caller,
        knowledge_base_id: str,
        access: KnowledgeBaseAccess,
        only_if: Precondition,
    ) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _knowledge_base(session, caller, knowledge_base_id)
            before = await _access(session, row)
            if access == before:
                return
            only_if.require(version_of(before))
            await remove_audiences(session, row.id)
            add_audience(session, row.id, Activity.READ, access.readers)
            add_audience(session, row.id, Activity.EDIT, access.editors)
            row.open_to_readers = access.readers.is_everyone
            row.open_to_editors = access.editors.is_everyone
            if access.readers != before.readers:
                row.readers_revision += 1
                event = knowledge_base_readers_changed(
                    caller.tenant_id, row.id, row.readers_revision
                )
                add_to_outbox(session, OutboxRow, event)
            details = {
                "readers": described(access.readers),
                "editors": described(access.editors),
            }
            fact = AuditFact(
                "knowledge_base.access_changed", "knowledge_base", row.id, details=details
            )
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()

    async def set_of_document(
        self,
        caller: Caller,
        document_id: str,
        readers: Audience,
        only_if: Precondition,
    ) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _document(session, caller, document_id)
            before = await readers_of(session, row)
            if readers == before:
                return
            only_if.require(version_of(before))
            await remove_audiences(session, row.id)
            add_audience(session, row.id, Activity.READ, readers)
            row.open_to_readers = readers.is_everyone
            row.readers_revision += 1
            event = document_readers_changed(caller.tenant_id, row.id, row.readers_revision)
            add_to_outbox(session, OutboxRow, event)
            details = {"readers": described(readers)}
            fact = AuditFact("document.access_changed", "document", row.id, details=details)
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()

    async def readers_of_knowledge_base(
        self, tenant_id: str, knowledge_base_id: str
    ) -> Readers | None:
        async with self._database.snapshot(tenant_id) as session:
            return await current_readers(
                session, await session.get(KnowledgeBaseRow, knowledge_base_id)
            )

    async def readers_of_document(self, tenant_id: str, document_id: str) -> Readers | None:
        async with self._database.snapshot(tenant_id) as session:
            return await current_readers(session, await session.get(DocumentRow, document_id))


async def current_readers(
    session: AsyncSession, row: KnowledgeBaseRow | DocumentRow | None
) -> Readers | None:
    """The row was read first: the audience is that of its revision, or of one that follows."""
    return None if row is None else Readers(await readers_of(session, row), row.readers_revision)


def _is_read(table: type[KnowledgeBaseRow | DocumentRow], reader: Reader) -> ColumnElement[bool]:
    if reader.reads_all:
        return true()
    return or_(table.open_to_readers, _names(table, Activity.READ, reader))


def _names(
    table: type[KnowledgeBaseRow | DocumentRow], activity: Activity, reader: Reader
) -> ColumnElement[bool]:
    return (
        select(AudienceRow.identity)
        .where(
            AudienceRow.resource_id == table.id,
            AudienceRow.activity == activity,
            AudienceRow.identity.in_(sorted(reader.identities)),
        )
        .exists()
    )


async def _knowledge_base(
    session: AsyncSession, caller: Caller, knowledge_base_id: str
) -> KnowledgeBaseRow:
    query = select(KnowledgeBaseRow).where(
        KnowledgeBaseRow.id == knowledge_base_id, sees_knowledge_base(caller)
    )
    row = await session.scalar(query)
    if row is None:
        raise knowledge_base_not_found()
    return row


async def _document(session: AsyncSession, caller: Caller, document_id: str) -> DocumentRow:
    query = (
        select(DocumentRow)
        .join(KnowledgeBaseRow, KnowledgeBaseRow.id == DocumentRow.knowledge_base_id)
        .where(
            DocumentRow.id == document_id,
            DocumentRow.deleted_at_ms == 0,
            sees_knowledge_base(caller),
            sees_document(caller),
        )
    )
    row = await session.scalar(query)
    if row is None:
        raise document_not_found()
    return row


async def _access(session: AsyncSession, row: KnowledgeBaseRow) -> KnowledgeBaseAccess:
    editors = EVERYONE if row.open_to_editors else await _audience(session, row.id, Activity.EDIT)
    return KnowledgeBaseAccess(await readers_of(session, row), editors)


async def _audience(session: AsyncSession, resource_id: str, activity: Activity) -> Audience:
    query = select(AudienceRow.identity).where(
        AudienceRow.resource_id == resource_id, AudienceRow.activity == activity
    )
    return Audience(frozenset((await session.scalars(query)).all()))
