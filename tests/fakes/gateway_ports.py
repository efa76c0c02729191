"""What stands behind the gateway, in memory: another tenant's things are as unknown as nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from clientsphere_common.access.audience import EVERYONE, Audience
from clientsphere_common.audit_events import AuditFact
from clientsphere_common.errors import (
    ConflictError,
    DependencyUnavailableError,
    NotFoundError,
    PermissionDeniedError,
)
from clientsphere_common.https_documents import FormAnswer
from clientsphere_common.ids import derived_id
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller, current_caller
from clientsphere_common.versions import Precondition, version_of
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess
from gateway.model.answers import Delta, Finish, Passage, Question, Usage
from gateway.model.library import (
    Document,
    DocumentChoice,
    Download,
    KnowledgeBase,
    Progress,
    Upload,
)
from gateway.model.trail import RecordedFact, TrailChoice, TrailEvent, TrailHead, TrailPage

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def new_document(document_id: str = "doc_1", **changes: object) -> Document:
    document = Document(
        id=document_id,
        knowledge_base_id="kb_1",
        name="handbook.txt",
        media_type="text/plain",
        size_bytes=5,
        sha256="0" * 64,
        version=1,
        state="ready",
        progress=Progress("done", 1, 1),
        failure=None,
        page_count=0,
        chunk_count=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(document, **changes)  # type: ignore[arg-type] # names and types are the test's


def new_passage(rank: int = 1, text: str = "Leave is 25 days.", **changes: object) -> Passage:
    passage = Passage(
        rank=rank,
        document_id=f"doc_{rank}",
        document_name="handbook.pdf",
        knowledge_base_id="kb_1",
        page=7,
        heading_path=("Time off",),
        start=100,
        end=100 + len(text),
        text=text,
    )
    return replace(passage, **changes)  # type: ignore[arg-type] # names and types are the test's


class FakeKnowledgeBases:
    def __init__(self) -> None:
        self.of_tenants: dict[str, list[KnowledgeBase]] = {}
        self.pages_asked: list[PageWish] = []
        self.next_page_token: str | None = None
        self.access: dict[str, KnowledgeBaseAccess] = {}
        """By their names."""
        self.read_only: set[str] = set()

    async def create(self, new_id: str, name: str, access: KnowledgeBaseAccess) -> KnowledgeBase:
        own = self._own()
        for one in own:
            if one.id == new_id:
                return one
        if name in {one.name for one in own}:
            raise ConflictError("knowledge_base_exists", "There is one of this name already.")
        created = KnowledgeBase(new_id, name, NOW, 0)
        own.append(created)
        self.access[name] = access
        return created

    async def get(self, knowledge_base_id: str) -> KnowledgeBase:
        for one in self._own():
            if one.id == knowledge_base_id:
                return one
        raise NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")

    async def require_editor(self, knowledge_base_id: str) -> None:
        if knowledge_base_id in self.read_only:
            raise PermissionDeniedError("not_an_editor", "You may only read it.")

    async def page(self, wish: PageWish) -> Page[KnowledgeBase]:
        self.pages_asked.append(wish)
        return Page(tuple(self._own()), self.next_page_token)

    async def delete(self, knowledge_base_id: str) -> None:
        self._own().remove(await self.get(knowledge_base_id))

    def _own(self) -> list[KnowledgeBase]:
        return self.of_tenants.setdefault(current_caller().tenant_id, [])


class FakeAccess:
    """Knows the ids that begin with `known`, and has what was last set."""

    def __init__(self) -> None:
        self.of_knowledge_bases: dict[str, KnowledgeBaseAccess] = {}
        self.of_documents: dict[str, DocumentAccess] = {}

    async def of_knowledge_base(self, knowledge_base_id: str) -> KnowledgeBaseAccess:
        if not knowledge_base_id.startswith("known"):
            raise NotFoundError("knowledge_base_not_found", "There is no such knowledge base.")
        return self.of_knowledge_bases.get(knowledge_base_id, KnowledgeBaseAccess())

    async def set_of_knowledge_base(
        self, knowledge_base_id: str, access: KnowledgeBaseAccess, only_if: Precondition
    ) -> KnowledgeBaseAccess:
        before = await self.of_knowledge_base(knowledge_base_id)
        if access != before:
            only_if.require(version_of(before))
        self.of_knowledge_bases[knowledge_base_id] = access
        return access

    async def of_document(self, document_id: str) -> DocumentAccess:
        if not document_id.startswith("known"):
            raise NotFoundError("document_not_found", "There is no such document.")
        return self.of_documents.get(document_id, DocumentAccess(EVERYONE))

    async def set_of_document(
        self, document_id: str, access: DocumentAccess, only_if: Precondition
    ) -> DocumentAccess:
        before = await self.of_document(document_id)
        if access != before:
            only_if.require(version_of(before.readers))
        self.of_documents[document_id] = access
        return access


class FakeDocuments:
    """Keeps each upload's bytes; a document with an `error` raises it instead of being found."""

    def __init__(self) -> None:
        self.of_tenants: dict[str, dict[str, Document]] = {}
        self.bytes_of: dict[str, bytes] = {}
        self.uploads: list[tuple[str, str]] = []
        self.readers: list[Audience | None] = []
        self.pages_asked: list[tuple[DocumentChoice, PageWish]] = []
        self.next_page_token: str | None = None
        self._accepted: dict[str, tuple[Document, bool]] = {}

    async def upload(self, upload: Upload) -> tuple[Document, bool]:
        content = b"".join([piece async for piece in upload.content])
        if upload.id in self._accepted:
            return self._accepted[upload.id]
        self.uploads.append((upload.knowledge_base_id, upload.name))
        self.readers.append(upload.readers)
        document_id = derived_id("doc", current_caller().tenant_id, upload.name)
        is_new = self.bytes_of.get(document_id) != content
        self.bytes_of[document_id] = content
        document = new_document(
            document_id, name=upload.name, size_bytes=len(content), state="queued"
        )
        self._own()[document_id] = document
        self._accepted[upload.id] = document, is_new
        return document, is_new

    async def get(self, document_id: str) -> Document:
        if document_id not in self._own():
            raise NotFoundError("document_not_found", "There is no such document.")
        return self._own()[document_id]

    async def page(self, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        self.pages_asked.append((choice, wish))
        return Page(tuple(self._own().values()), self.next_page_token)

    async def delete(self, document_id: str) -> None:
        await self.get(document_id)
        del self._own()[document_id]

    async def download(self, document_id: str) -> Download:
        document = await self.get(document_id)
        return Download(document, _pieces(self.bytes_of[document_id]))

    async def extracted_text(self, document_id: str) -> Download:
        document = await self.get(document_id)
        return Download(document, _pieces(self.bytes_of[document_id].upper()))

    def _own(self) -> dict[str, Document]:
        return self.of_tenants.setdefault(current_caller().tenant_id, {})


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 3):
        yield content[start : start + 3]


class FakePassageSearch:
    def __init__(self, passages: Sequence[Passage] = ()) -> None:
        self.passages = passages
        self.failure: BaseException | None = None
        self.asked: list[tuple[Question, int]] = []

    async def search(self, question: Question, top_k: int) -> Sequence[Passage]:
        self.asked.append((question, top_k))
        if self.failure is not None:
            raise self.failure
        return self.passages[:top_k]


class FakeAnswerModel:
    """Writes `pieces` one by one; `waits` blocks before its last one until it is set."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.finish = Finish(declined=False, model="fake", usage=Usage(10, 3))
        self.failure: BaseException | None = None
        self.waits: asyncio.Event | None = None
        self.instructions: list[str] = []
        self.was_cancelled = asyncio.Event()

    async def answer(
        self, question: Question, instructions: str, passages: Sequence[Passage]
    ) -> AsyncIterator[Delta | Finish]:
        self.instructions.append(instructions)
        try:
            for place, piece in enumerate(self.pieces, start=1):
                if self.waits is not None and place == len(self.pieces):
                    await self.waits.wait()
                yield Delta(piece)
        except (asyncio.CancelledError, GeneratorExit):
            self.was_cancelled.set()
            raise
        if self.failure is not None:
            raise self.failure
        yield self.finish


class FakeAuditTrail:
    def __init__(self) -> None:
        self.asked: list[tuple[TrailChoice, PageWish]] = []
        self.next_page_token: str | None = None

    async def page(self, choice: TrailChoice, wish: PageWish) -> TrailPage:
        self.asked.append((choice, wish))
        fact = RecordedFact("question.asked", "key_1", "", "", "succeeded", 1, "req_1", {"a": "b"})
        return TrailPage(
            (TrailEvent(1, "evt_1", fact, "0" * 64, "1" * 64),),
            TrailHead(1, "1" * 64),
            self.next_page_token,
        )


class FakeJournal:
    def __init__(self) -> None:
        self.facts: list[tuple[Caller, AuditFact]] = []
        self.failure: BaseException | None = None

    async def record(self, caller: Caller, fact: AuditFact) -> None:
        if self.failure is not None:
            raise self.failure
        self.facts.append((caller, fact))

    def details(self, action: str) -> list[Mapping[str, str]]:
        return [fact.details for _, fact in self.facts if fact.action == action]


class FakeIssuerDocuments:
    """What issuers publish, by its URL; what is not here cannot be had."""

    def __init__(self) -> None:
        self.published: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.waits: asyncio.Event | None = None

    async def read(self, url: str) -> bytes:
        self.asked.append(url)
        if self.waits is not None:
            await self.waits.wait()
        if url not in self.published:
            raise DependencyUnavailableError("issuer_document_unavailable", f"{url} is away.")
        return self.published[url]

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> FormAnswer:
        return FormAnswer(is_accepted=True, content=await self.read(url))
