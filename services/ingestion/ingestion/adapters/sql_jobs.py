"""The work on document versions as rows, for the workers."""

from __future__ import annotations

import time

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import DocumentReaders
from ingestion.adapters.sql_access import current_readers, remove_audiences
from ingestion.adapters.tables import DocumentRow, KnowledgeBaseRow, OutboxRow, VersionRow
from ingestion.events import document_failed, document_indexed
from ingestion.model import (
    DocumentState,
    Failure,
    IndexedVersion,
    Job,
    Leftovers,
    Stage,
    VersionKey,
)

WORKER = "svc_ingestion"
"""The principal under which the trail shows what workers did."""
_OPEN_STATES = (DocumentState.QUEUED, DocumentState.PROCESSING)


class SqlJobLedger:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def begin(self, key: VersionKey) -> Job | None:
        async with self._database.transaction(key.tenant_id) as session:
            found = await _open_job(session, key)
            if found is None:
                return None
            row, version = found
            if version.version < row.latest_version:
                return None
            version.starts += 1
            version.state = DocumentState.PROCESSING
            _touch(version)
        return Job(
            key=key,
            knowledge_base_id=row.knowledge_base_id,
            document_name=row.name,
            object_key=version.object_key,
            media_type=version.media_type,
            starts=version.starts,
        )

    async def release(self, key: VersionKey) -> None:
        async with self._database.transaction(key.tenant_id) as session:
            found = await _open_job(session, key)
            if found is not None:
                version = found[1]
                version.starts -= 1
                version.state, version.stage = DocumentState.QUEUED, Stage.QUEUED
                _touch(version)

    async def progress(
        self, key: VersionKey, stage: Stage, chunks_done: int, chunks_total: int
    ) -> None:
        async with self._database.transaction(key.tenant_id) as session:
            found = await _open_job(session, key)
            if found is not None:
                version = found[1]
                version.stage = stage
                version.chunks_done, version.chunks_total = chunks_done, chunks_total
                _touch(version)

    async def readers(self, key: VersionKey) -> DocumentReaders | None:
        async with self._database.snapshot(key.tenant_id) as session:
            row = await session.get(DocumentRow, key.document_id)
            if row is None or row.deleted_at_ms:
                return None
            around = await session.get(KnowledgeBaseRow, row.knowledge_base_id)
            of_knowledge_base = await current_readers(session, around)
            of_document = await current_readers(session, row)
        if of_knowledge_base is None or of_document is None:
            return None
        return DocumentReaders(of_knowledge_base, of_document)

    async def finish(self, key: VersionKey, indexed: IndexedVersion) -> DocumentState | None:
        async with self._database.transaction(key.tenant_id) as session:
            found = await _kept_version(session, key)
            if found is None:
                return None
            row, version = found
            if version.state not in _OPEN_STATES:
                return DocumentState(version.state)
            version.state, version.stage = DocumentState.READY, Stage.DONE
            version.chunks_done = version.chunks_total = indexed.chunk_count
            version.page_count, version.chunk_count = indexed.page_count, indexed.chunk_count
            version.text_key = indexed.text_key
            _touch(version)
            row.readable_version = max(row.readable_version, key.version)
            add_to_outbox(
                session,
                OutboxRow,
                document_indexed(key, row.knowledge_base_id, indexed.chunk_count),
            )
            details = {"version": str(key.version), "chunks": str(indexed.chunk_count)}
            fact = AuditFact("document.indexed", "document", row.id, details=details)
            _record(session, key, fact)
        self._relay.wake()
        return DocumentState.READY

    async def fail(self, key: VersionKey, failure: Failure) -> None:
        async with self._database.transaction(key.tenant_id) as session:
            found = await _open_job(session, key)
            if found is not None:
                _fail(session, key, found[1], failure)
        self._relay.wake()

    async def has_failed(self, key: VersionKey) -> bool:
        async with self._database.snapshot(key.tenant_id) as session:
            version = await session.get(VersionRow, (key.document_id, key.version))
            return version is not None and version.state == DocumentState.FAILED

    async def leftovers(self, tenant_id: str, document_id: str) -> Leftovers | None:
        async with self._database.snapshot(tenant_id) as session:
            row = await session.get(DocumentRow, document_id)
            if row is None or not row.deleted_at_ms:
                return None
            query = select(VersionRow).where(VersionRow.document_id == document_id)
            versions = (await session.scalars(query)).all()
        keys = [key for version in versions for key in (version.object_key, version.text_key)]
        return Leftovers(document_id, tuple(key for key in keys if key))

    async def purge(self, tenant_id: str, document_id: str) -> None:
        async with self._database.transaction(tenant_id) as session:
            await remove_audiences(session, document_id)
            await session.execute(delete(VersionRow).where(VersionRow.document_id == document_id))
            await session.execute(
                delete(DocumentRow).where(
                    DocumentRow.id == document_id, DocumentRow.deleted_at_ms != 0
                )
            )

    async def is_referenced(self, object_key: str) -> bool:
        query = (
            select(VersionRow.version)
            .where(or_(VersionRow.object_key == object_key, VersionRow.text_key == object_key))
            .limit(1)
        )
        async with self._database.system_snapshot() as session:
            return await session.scalar(query) is not None


async def _open_job(
    session: AsyncSession, key: VersionKey
) -> tuple[DocumentRow, VersionRow] | None:
    """The document and version, unless the work is done or no longer wanted."""
    found = await _kept_version(session, key)
    return found if found is not None and found[1].state in _OPEN_STATES else None


async def _kept_version(
    session: AsyncSession, key: VersionKey
) -> tuple[DocumentRow, VersionRow] | None:
    """The document and version, unless they were deleted."""
    row = await session.get(DocumentRow, key.document_id)
    version = await session.get(VersionRow, (key.document_id, key.version))
    if row is None or version is None or row.deleted_at_ms:
        return None
    return row, version


def _fail(session: AsyncSession, key: VersionKey, version: VersionRow, failure: Failure) -> None:
    version.state, version.stage = DocumentState.FAILED, Stage.FAILED
    version.failure_code, version.failure_message = failure.code, failure.message
    _touch(version)
    add_to_outbox(session, OutboxRow, document_failed(key, failure))
    details = {"version": str(key.version), "code": failure.code}
    fact = AuditFact("document.indexed", "document", key.document_id, "failed", details)
    _record(session, key, fact)


def _record(session: AsyncSession, key: VersionKey, fact: AuditFact) -> None:
    worker = Caller(tenant_id=key.tenant_id, principal_id=WORKER)
    add_to_outbox(session, OutboxRow, audit_event(worker, fact))


def _touch(version: VersionRow) -> None:
    version.updated_at_ms = int(time.time() * 1000)
