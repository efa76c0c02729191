"""The ingestion domain on real tables and a real object directory; what is remote is faked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.request import Caller
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.access.care import AccessCare
from ingestion.adapters.sql_access import SqlAccessRules
from ingestion.adapters.sql_documents import SqlDocuments
from ingestion.adapters.sql_jobs import SqlJobLedger
from ingestion.adapters.sql_knowledge_bases import SqlKnowledgeBases
from ingestion.chunking import ChunkingSettings
from ingestion.documents import DocumentCare
from ingestion.extraction import TextExtraction
from ingestion.indexing import ChunkIndexing
from ingestion.knowledge_bases import KnowledgeBaseCare
from ingestion.model import Document, UploadOutcome, UploadTarget, VersionKey
from ingestion.parsing.model import Block, BlockKind, ParsedDocument, ParseError
from ingestion.pipeline import DocumentPipeline
from ingestion.removal import DocumentRemoval
from ingestion.upload import DocumentUpload
from tests.fakes.event_publisher import FakeEventPublisher
from tests.fakes.passage_index import FakePassageIndex

MAX_FILE_BYTES = 100_000


class FakeParser:
    """Takes the file as plain text of one page, unless told to fail."""

    def __init__(self) -> None:
        self.failure: ParseError | None = None
        self.parsed = 0

    async def parse(self, path: Path, media_type: str) -> ParsedDocument:
        self.parsed += 1
        if self.failure is not None:
            raise self.failure
        text = path.read_text()
        block = Block(0, len(text), 1, ("Heading",), BlockKind.PARAGRAPH)
        return ParsedDocument(text, (block,), page_count=1)


class FakeEmbedder:
    """Gives every text the same vector; fails when told to, calls back when asked to."""

    def __init__(self, dimension: int = 2) -> None:
        self._dimension = dimension
        self.failure: BaseException | None = None
        self.fail_after = 0
        """So many batches are embedded before the failure."""
        self.texts: list[str] = []
        self._batches = 0

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if self.failure is not None and self._batches >= self.fail_after:
            raise self.failure
        self._batches += 1
        self.texts.extend(texts)
        return [[1.0] * self._dimension for _ in texts]


@dataclass
class Ingestion:
    database: Database
    objects: DirectoryObjectStore
    publisher: FakeEventPublisher
    relay: OutboxRelay
    scratch: Path
    index: PassageIndex = field(default_factory=FakePassageIndex)
    parser: FakeParser = field(default_factory=FakeParser)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    def __post_init__(self) -> None:
        self.ledger = SqlJobLedger(self.database, self.relay)
        self.documents = SqlDocuments(self.database, self.relay)
        self.knowledge_bases = SqlKnowledgeBases(self.database, self.relay)
        self.extraction = TextExtraction(self.objects, self.parser, self.scratch)
        self.upload = DocumentUpload(
            self.knowledge_bases, self.documents, self.objects, MAX_FILE_BYTES
        )
        self.document_care = DocumentCare(self.documents, self.objects, self.index)
        self.knowledge_base_care = KnowledgeBaseCare(self.knowledge_bases, self.index)
        self.access = AccessCare(SqlAccessRules(self.database, self.relay), self.index)
        self.removal = DocumentRemoval(self.ledger, self.objects, self.index)
        self.pipeline = DocumentPipeline(
            self.ledger,
            self.extraction,
            ChunkIndexing(self.embedder, self.index, ChunkingSettings(), chunks_per_batch=2),
            self.index,
        )

    async def receive(
        self,
        caller: Caller,
        content: str,
        name: str = "note.txt",
        knowledge_base_id: str = "",
        upload_id: str = "",
    ) -> UploadOutcome:
        target = UploadTarget(knowledge_base_id, name, upload_id=upload_id)
        return await self.upload.upload(caller, target, pieces(content.encode()))

    async def index_newest(self, caller: Caller, document: Document) -> Document:
        key = VersionKey(caller.tenant_id, document.id, document.version)
        await self.pipeline.process(key)
        return await self.documents.get(caller, document.id)

    async def object_keys(self) -> set[str]:
        return {entry.key async for entry in self.objects.entries("")}


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
