"""Documents as rows, for those who own them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.access.audience import EVERYONE, Audience
from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.db.text_match import holds
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.ids import new_id
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from ingestion.adapters.sql_access import (
    add_audience,
    described,
    document_not_found,
    edited_knowledge_base,
    readers_of,
    sees_document,
    sees_knowledge_base,
)
from ingestion.adapters.tables import (
    Activity,
    DocumentRow,
    KnowledgeBaseRow,
    OutboxRow,
    VersionRow,
)
from ingestion.events import document_deleted, document_uploaded
from ingestion.model import (
    Document,
    DocumentChoice,
    DocumentState,
    Failure,
    Progress,
    ReceivedFile,
    Stage,
    UploadOutcome,
    UploadTarget,
    VersionKey,
)


class SqlDocuments:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def accept(
        self, caller: Caller, target: UploadTarget, file: ReceivedFile
    ) -> UploadOutcome:
        async with self._database.transaction(caller.tenant_id) as session:
            await edited_knowledge_base(session, caller, target.knowledge_base_id)
            if target.upload_id:
                accepted = await _accepted(session, caller, target.upload_id)
                if accepted is not None:
                    return UploadOutcome(accepted, is_new_version=True, is_repeated=True)
            found = await _of_name(session, caller, target)
            if found is not None and _has_same_bytes(found[1], file):
                return UploadOutcome(_to_document(*found), is_new_version=False)
            row = _add_document(session, target) if found is None else found[0]
            row.latest_version += 1
            version = _new_version(row, caller, file)
            version.upload_id = target.upload_id or None
            session.add(version)
            _announce_upload(session, caller, row, version, target.readers)
        self._relay.wake()
        return UploadOutcome(_to_document(row, version), is_new_version=True)

    async def get(self, caller: Caller, document_id: str) -> Document:
        async with self._database.snapshot(caller.tenant_id) as session:
            return _to_document(*await _one(session, caller, document_id))

    async def page(self, caller: Caller, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        query = ("documents", caller.tenant_id, *choice.words())
        listing = Listing(DocumentRow, query, newest_first=True)
        async with self._database.snapshot(caller.tenant_id) as session:
            page = await read_page(session, _seen(caller, *_chosen(choice)), listing, wish)
        return page.of(lambda row: _to_document(*row))

    async def object_key(self, caller: Caller, document_id: str) -> str:
        async with self._database.snapshot(caller.tenant_id) as session:
            _, version = await _one(session, caller, document_id)
        return version.object_key

    async def text_key(self, caller: Caller, document_id: str) -> str:
        async with self._database.snapshot(caller.tenant_id) as session:
            row, _ = await _one(session, caller, document_id)
            version = await session.get(VersionRow, (document_id, row.readable_version))
        if version is None:
            raise NotFoundError("document_not_ready", "This document has no readable text yet.")
        return version.text_key

    async def delete(self, caller: Caller, document_id: str) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row, version = await _one(session, caller, document_id)
            await edited_knowledge_base(session, caller, row.knowledge_base_id)
            row.deleted_at_ms = int(time.time() * 1000)
            key = VersionKey(caller.tenant_id, row.id, version.version)
            add_to_outbox(session, OutboxRow, document_deleted(key))
            fact = AuditFact("document.deleted", "document", row.id, details={"name": row.name})
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()


def _seen(caller: Caller, *conditions: ColumnElement[bool]) -> Select[DocumentRow, VersionRow]:
    """Documents that the caller may read, without a tombstone, each with its newest version."""
    return (
        select(DocumentRow, VersionRow)
        .join(
            VersionRow,
            (VersionRow.document_id == DocumentRow.id)
            & (VersionRow.version == DocumentRow.latest_version),
        )
        .join(KnowledgeBaseRow, KnowledgeBaseRow.id == DocumentRow.knowledge_base_id)
        .where(
            DocumentRow.deleted_at_ms == 0,
            sees_knowledge_base(caller),
            sees_document(caller),
            *conditions,
        )
    )


def _chosen(choice: DocumentChoice) -> Iterator[ColumnElement[bool]]:
    if choice.knowledge_base_id:
        yield DocumentRow.knowledge_base_id == choice.knowledge_base_id
    if choice.states:
        yield VersionRow.state.in_(sorted(choice.states))
    if choice.name_piece:
        yield holds(DocumentRow.name, choice.name_piece)
    if choice.created_from_ms is not None:
        yield DocumentRow.created_at_ms >= choice.created_from_ms
    if choice.created_before_ms is not None:
        yield DocumentRow.created_at_ms < choice.created_before_ms


async def _one(
    session: AsyncSession, caller: Caller, document_id: str
) -> tuple[DocumentRow, VersionRow]:
    found = (await session.execute(_seen(caller, DocumentRow.id == document_id))).one_or_none()
    if found is None:
        raise document_not_found()
    return found[0], found[1]


async def _of_name(
    session: AsyncSession, caller: Caller, target: UploadTarget
) -> tuple[DocumentRow, VersionRow] | None:
    """The one of this name that the caller sees; the newest, where it has come to see several.

    Raises ConflictError when it has other readers than the upload asks for.
    """
    by_name = _seen(
        caller,
        DocumentRow.knowledge_base_id == target.knowledge_base_id,
        DocumentRow.name == target.name,
    ).order_by(DocumentRow.created_at_ms.desc(), DocumentRow.id.desc())
    found = (await session.execute(by_name.limit(1))).one_or_none()
    if found is None:
        return None
    if target.readers not in {None, await readers_of(session, found[0])}:
        raise ConflictError(
            "readers_differ", "There is a document of this name, and it has other readers."
        )
    return found[0], found[1]


async def _accepted(session: AsyncSession, caller: Caller, upload_id: str) -> Document | None:
    """What became of the upload of that id, also when it was deleted meanwhile.

    Raises NotFoundError when the caller no longer sees it.
    """
    version = await session.scalar(select(VersionRow).where(VersionRow.upload_id == upload_id))
    if version is None:
        return None
    seen = (
        select(DocumentRow)
        .join(KnowledgeBaseRow, KnowledgeBaseRow.id == DocumentRow.knowledge_base_id)
        .where(
            DocumentRow.id == version.document_id,
            sees_knowledge_base(caller),
            sees_document(caller),
        )
    )
    row = await session.scalar(seen)
    if row is None:
        raise document_not_found()
    return _to_document(row, version)


def _has_same_bytes(version: VersionRow, file: ReceivedFile) -> bool:
    """A failed version does not count: uploading the file again is how a person tries again."""
    return version.sha256 == file.sha256 and version.state != DocumentState.FAILED


def _add_document(session: AsyncSession, target: UploadTarget) -> DocumentRow:
    readers = target.readers or EVERYONE
    row = DocumentRow(
        id=new_id("doc"),
        knowledge_base_id=target.knowledge_base_id,
        name=target.name,
        latest_version=0,
        readable_version=0,
        created_at_ms=int(time.time() * 1000),
        deleted_at_ms=0,
        open_to_readers=readers.is_everyone,
        readers_revision=0,
    )
    session.add(row)
    add_audience(session, row.id, Activity.READ, readers)
    return row


def _new_version(row: DocumentRow, caller: Caller, file: ReceivedFile) -> VersionRow:
    now_ms = int(time.time() * 1000)
    return VersionRow(
        document_id=row.id,
        version=row.latest_version,
        object_key=file.object_key,
        text_key="",
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        state=DocumentState.QUEUED,
        stage=Stage.QUEUED,
        starts=0,
        chunks_done=0,
        chunks_total=0,
        page_count=0,
        chunk_count=0,
        failure_code="",
        failure_message="",
        uploaded_by=caller.principal_id,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def _announce_upload(
    session: AsyncSession,
    caller: Caller,
    row: DocumentRow,
    version: VersionRow,
    readers: Audience | None,
) -> None:
    key = VersionKey(caller.tenant_id, row.id, version.version)
    add_to_outbox(session, OutboxRow, document_uploaded(key))
    details = {"name": row.name, "version": str(version.version), "sha256": version.sha256}
    if readers is not None:
        details["readers"] = described(readers)
    fact = AuditFact("document.uploaded", "document", row.id, details=details)
    add_to_outbox(session, OutboxRow, audit_event(caller, fact))


def _to_document(row: DocumentRow, version: VersionRow) -> Document:
    failed = version.state == DocumentState.FAILED
    return Document(
        id=row.id,
        knowledge_base_id=row.knowledge_base_id,
        name=row.name,
        media_type=version.media_type,
        size_bytes=version.size_bytes,
        sha256=version.sha256,
        version=version.version,
        state=DocumentState(version.state),
        progress=Progress(Stage(version.stage), version.chunks_done, version.chunks_total),
        failure=Failure(version.failure_code, version.failure_message) if failed else None,
        page_count=version.page_count,
        chunk_count=version.chunk_count,
        created_at_ms=row.created_at_ms,
        updated_at_ms=version.updated_at_ms,
    )
