"""Brings one version of a document into the index, however often it is asked to."""

from __future__ import annotations

import asyncio

import structlog

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    LimitExceededError,
    ServiceError,
)
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.extraction import TextExtraction
from ingestion.indexing import ChunkIndexing
from ingestion.model import DocumentState, Failure, IndexedVersion, Job, Stage, VersionKey
from ingestion.parsing.model import ParseError
from ingestion.ports import JobLedger

log = structlog.get_logger(__name__)

MAX_STARTS = 3
"""A version that was started this often without an end is likely what killed its workers."""
_QUARANTINED = Failure(
    "document_quarantined",
    "Processing this document stopped unexpectedly several times. Check the file and upload it"
    " again, or ask your administrator.",
)
_PASSING = (DependencyUnavailableError, DeadlineExceededError, LimitExceededError)


class DocumentPipeline:
    """Parse, chunk, embed, index, activate. Each step repeats without harm after a crash."""

    def __init__(
        self,
        ledger: JobLedger,
        extraction: TextExtraction,
        indexing: ChunkIndexing,
        index: PassageIndex,
    ) -> None:
        self._ledger = ledger
        self._extraction = extraction
        self._indexing = indexing
        self._index = index

    async def process(self, key: VersionKey) -> None:
        """Bring the version to ready or failed.

        Raises the ServiceError of a dependency that may recover: the event is to be delivered
        again, and the failed try does not count against the document.
        """
        job = await self._ledger.begin(key)
        if job is None:
            # Whoever gave it up may have died before the next step.
            await self._clear_if_failed(key)
            return
        if job.starts > MAX_STARTS:
            await self._give_up(key, _QUARANTINED)
            return
        try:
            await self._index_version(job)
        except (*_PASSING, asyncio.CancelledError):
            # Cancelled when the process stops: neither is the document's fault.
            await self._ledger.release(key)
            raise
        except (ParseError, ServiceError) as error:
            await self._give_up(key, Failure(error.code, error.message))

    async def _give_up(self, key: VersionKey, failure: Failure) -> None:
        await self._ledger.fail(key, failure)
        # Another worker, which was given the same event, may have finished before.
        await self._clear_if_failed(key)
        log.info("document_failed", document=key.document_id, code=failure.code)

    async def _clear_if_failed(self, key: VersionKey) -> None:
        if await self._ledger.has_failed(key):
            await self._index.remove_version(key.tenant_id, key.document_id, key.version)

    async def _index_version(self, job: Job) -> None:
        key = job.key
        await self._ledger.progress(key, Stage.PARSING, 0, 0)
        parsed, text_key = await self._extraction.extract(job)
        chunks = await asyncio.to_thread(self._indexing.cut, parsed)
        async for done in self._indexing.add(job, chunks):
            await self._ledger.progress(key, Stage.EMBEDDING, done, len(chunks))
        await self._ledger.progress(key, Stage.INDEXING, len(chunks), len(chunks))
        await self._activate(key, IndexedVersion(parsed.page_count, len(chunks), text_key))

    async def _activate(self, key: VersionKey, indexed: IndexedVersion) -> None:
        # After the last chunk was added: readers that change from here on reach all of them.
        readers = await self._ledger.readers(key)
        if readers is not None:
            await self._index.activate(key.tenant_id, key.document_id, key.version, readers)
        state = await self._ledger.finish(key, indexed)
        if state is DocumentState.READY:
            log.info("document_indexed", document=key.document_id, chunks=indexed.chunk_count)
        elif state is None:
            # Deleted while the work went on: what was just made visible must go again.
            await self._index.remove_document(key.tenant_id, key.document_id)
        else:
            await self._clear_if_failed(key)
