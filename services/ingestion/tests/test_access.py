"""Who may read and edit what: for everybody else it is not there, or not to be changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from clientsphere.events.v1 import audit_pb2
from clientsphere_common.access.audience import EVERYONE, Audience, audience, reader_of
from clientsphere_common.access.model import Permission
from clientsphere_common.audit_events import AUDIT_TOPIC
from clientsphere_common.errors import (
    ConflictError,
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    ServiceError,
)
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import DocumentReaders
from clientsphere_common.versions import Precondition, version_of
from ingestion.adapters.sql_jobs import WORKER
from ingestion.consumer import DocumentEventsConsumer
from ingestion.model import (
    Document,
    DocumentChoice,
    KnowledgeBase,
    KnowledgeBaseAccess,
    UploadTarget,
    VersionKey,
)
from tests.contract.passage_chunks import question
from tests.fakes.passage_index import FakePassageIndex
from tests.harness.ingestion import Ingestion, pieces

TEXT = "The canteen opens at noon. " * 60
HR, ANN_ONLY, NOBODY = audience(["hr"], ()), audience((), ["usr_ann"]), Audience(frozenset())
MANAGER = Caller(
    "tnt_a",
    "usr_manager",
    permissions=frozenset({Permission.ACCESS_MANAGE, Permission.DOCUMENTS_READ_ALL}),
)
ANN = Caller("tnt_a", "usr_ann", groups=("hr",))
BOB = Caller("tnt_a", "usr_bob", groups=("sales",))


@pytest.fixture
async def library(ingestion: Ingestion) -> KnowledgeBase:
    """One that HR alone reads."""
    access = KnowledgeBaseAccess(readers=HR)
    return await ingestion.knowledge_base_care.create(MANAGER, "salaries", access)


@pytest.fixture
async def document(ingestion: Ingestion, library: KnowledgeBase) -> Document:
    received = await ingestion.receive(ANN, TEXT, knowledge_base_id=library.id)
    return await ingestion.index_newest(ANN, received.document)


async def refusal(call: Awaitable[object]) -> tuple[type[ServiceError], str, str]:
    with pytest.raises(ServiceError) as refused:
        await call
    return type(refused.value), refused.value.code, refused.value.message


CALLS: dict[str, Callable[[Ingestion, Caller, str], Awaitable[object]]] = {
    "get": lambda i, caller, one: i.document_care.get(caller, one),
    "content": lambda i, caller, one: i.document_care.original(caller, one),
    "text": lambda i, caller, one: i.document_care.extracted_text(caller, one),
    "delete": lambda i, caller, one: i.document_care.delete(caller, one),
    "access": lambda i, caller, one: i.access.of_document(caller, one),
    "set access": lambda i, caller, one: i.access.set_of_document(caller, one, EVERYONE),
    "knowledge base": lambda i, caller, one: i.knowledge_base_care.get(caller, one),
    "deletion": lambda i, caller, one: i.knowledge_base_care.delete(caller, one),
    "upload": lambda i, caller, one: i.receive(caller, TEXT, knowledge_base_id=one),
    "its access": lambda i, caller, one: i.access.of_knowledge_base(caller, one),
    "set its access": lambda i, caller, one: i.access.set_of_knowledge_base(
        caller, one, KnowledgeBaseAccess()
    ),
}


class TestWhoIsNoReader:
    @pytest.mark.parametrize("name", CALLS)
    async def test_is_answered_as_for_an_unknown_id(
        self, ingestion: Ingestion, document: Document, name: str
    ) -> None:
        hidden = {document.id, document.knowledge_base_id}
        answers = {await refusal(CALLS[name](ingestion, BOB, one)) for one in (*hidden, "none")}
        assert len(answers) == 1
        assert next(iter(answers))[0] is NotFoundError
        assert (await ingestion.document_care.get(ANN, document.id)).version == 1

    async def test_finds_nothing_in_lists_and_counts(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        everything = await ingestion.document_care.page(BOB, DocumentChoice(), PageWish())
        within = DocumentChoice(document.knowledge_base_id)
        chosen = await ingestion.document_care.page(BOB, within, PageWish())
        assert (everything.items, chosen.items) == ((), ())
        assert await ingestion.knowledge_base_care.page(BOB, PageWish()) == Page(())

    async def test_is_counted_no_document_that_is_hidden_in_what_is_seen(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document.id, NOBODY)
        around = document.knowledge_base_id
        seen = [await ingestion.knowledge_base_care.get(one, around) for one in (ANN, MANAGER)]
        assert [one.document_count for one in seen] == [0, 1]

    async def test_pages_through_what_is_seen_without_gaps(self, ingestion: Ingestion) -> None:
        for number in range(6):
            received = await ingestion.receive(MANAGER, f"Note {number}", f"{number}.txt")
            if number % 2:
                await ingestion.access.set_of_document(MANAGER, received.document.id, HR)
        first = await ingestion.document_care.page(BOB, DocumentChoice(), PageWish(2))
        assert first.next_page_token is not None
        rest = PageWish(2, first.next_page_token)
        second = await ingestion.document_care.page(BOB, DocumentChoice(), rest)
        names = {one.name for one in (*first.items, *second.items)}
        assert (len(first.items), names) == (2, {"0.txt", "2.txt", "4.txt"})
        assert second.next_page_token is None

    async def test_of_another_tenant_gains_nothing_by_the_same_group(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        foreign = replace(MANAGER, tenant_id="tnt_b", groups=("hr",))
        for name in ("get", "access"):
            assert (await refusal(CALLS[name](ingestion, foreign, document.id)))[0] is NotFoundError

    async def test_may_use_names_that_are_taken_where_it_cannot_see(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        created = await ingestion.knowledge_base_care.create(BOB, "salaries", KnowledgeBaseAccess())
        assert created.id != document.knowledge_base_id
        again = ingestion.knowledge_base_care.create(BOB, "salaries", KnowledgeBaseAccess())
        assert (await refusal(again))[0] is ConflictError

    async def test_uploads_a_document_of_its_own_beside_one_that_is_hidden(
        self, ingestion: Ingestion
    ) -> None:
        target = UploadTarget("", "note.txt", readers=HR)
        hidden = await ingestion.upload.upload(ANN, target, pieces(TEXT.encode()))
        own = await ingestion.receive(BOB, TEXT)
        assert own.is_new_version
        assert (own.document.id == hidden.document.id, own.document.version) == (False, 1)

    async def test_has_a_default_knowledge_base_of_its_own(self, ingestion: Ingestion) -> None:
        first = (await ingestion.receive(MANAGER, TEXT)).document.knowledge_base_id
        access = KnowledgeBaseAccess(readers=HR)
        await ingestion.access.set_of_knowledge_base(MANAGER, first, access)
        assert (await ingestion.receive(BOB, TEXT)).document.knowledge_base_id != first


class TestChanging:
    async def test_is_refused_for_what_somebody_changed_meanwhile(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        around, care = document.knowledge_base_id, ingestion.access
        seen = version_of(await care.of_document(MANAGER, document.id))
        wide = version_of(await care.of_knowledge_base(MANAGER, around))
        first, too = Precondition(frozenset({seen})), Precondition(frozenset({wide}))
        for _ in range(2):
            await care.set_of_document(MANAGER, document.id, NOBODY, first)
        narrow = KnowledgeBaseAccess(readers=NOBODY)
        await care.set_of_knowledge_base(MANAGER, around, narrow, too)
        for late in (
            care.set_of_document(MANAGER, document.id, EVERYONE, first),
            care.set_of_knowledge_base(MANAGER, around, KnowledgeBaseAccess(), too),
        ):
            with pytest.raises(PreconditionFailedError):
                await late
        assert await care.of_knowledge_base(MANAGER, around) == narrow

    async def test_of_what_is_hidden_is_not_found_whatever_its_version(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        never = Precondition(frozenset())
        await ingestion.access.set_of_document(MANAGER, document.id, NOBODY)
        change = ingestion.access.set_of_document(BOB, document.id, EVERYONE, never)
        assert (await refusal(change))[0] is NotFoundError


class TestReaders:
    async def test_see_it(self, ingestion: Ingestion, document: Document) -> None:
        assert await ingestion.document_care.get(ANN, document.id) == document
        assert await ingestion.document_care.get(MANAGER, document.id) == document
        (listed,) = (await ingestion.knowledge_base_care.page(ANN, PageWish())).items
        assert listed.document_count == 1

    async def test_of_a_document_must_be_readers_of_its_knowledge_base_too(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document.id, audience((), ["usr_bob"]))
        for one in (ANN, BOB):
            refused = await refusal(ingestion.document_care.get(one, document.id))
            assert refused[0] is NotFoundError

    async def test_are_told_as_they_were_set(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        access = KnowledgeBaseAccess(audience(["a", "b"], ["usr_ann"]), NOBODY)
        await ingestion.access.set_of_knowledge_base(MANAGER, document.knowledge_base_id, access)
        told = await ingestion.access.of_knowledge_base(MANAGER, document.knowledge_base_id)
        assert told == access
        assert await ingestion.access.of_document(MANAGER, document.id) == EVERYONE

    async def test_without_whom_nobody_but_who_reads_everything_sees_it(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document.id, NOBODY)
        assert (await refusal(ingestion.document_care.get(ANN, document.id)))[0] is NotFoundError
        assert (await ingestion.document_care.get(MANAGER, document.id)).id == document.id

    @pytest.mark.parametrize(
        "readers",
        [
            Audience(EVERYONE.identities | HR.identities),
            audience([""], ()),
            audience(["x" * 257], ()),
            audience(["two\nlines"], ()),
            audience((), [f"usr_{number}" for number in range(51)]),
        ],
    )
    async def test_that_are_no_audience_are_refused(
        self, ingestion: Ingestion, document: Document, readers: Audience
    ) -> None:
        refused = await refusal(ingestion.access.set_of_document(MANAGER, document.id, readers))
        assert refused[:2] == (InvalidInputError, "invalid_audience")

    async def test_of_something_new_include_who_makes_it(self, ingestion: Ingestion) -> None:
        create = ingestion.knowledge_base_care.create
        refused = await refusal(create(BOB, "x", KnowledgeBaseAccess(readers=HR)))
        assert refused[:2] == (InvalidInputError, "readers_without_yourself")
        target = UploadTarget("", "x.txt", readers=HR)
        refused = await refusal(ingestion.upload.upload(BOB, target, pieces(b"x")))
        assert refused[:2] == (InvalidInputError, "readers_without_yourself")
        assert (await create(MANAGER, "x", KnowledgeBaseAccess(readers=HR))).name == "x"

    async def test_stay_when_a_new_version_comes(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document.id, ANN_ONLY)
        second = await ingestion.receive(
            ANN, TEXT + "More.", knowledge_base_id=document.knowledge_base_id
        )
        assert (second.document.id, second.document.version) == (document.id, 2)
        assert await ingestion.access.of_document(MANAGER, document.id) == ANN_ONLY

    async def test_cannot_be_changed_by_uploading(self, ingestion: Ingestion) -> None:
        async def upload(readers: Audience) -> object:
            target = UploadTarget("", "note.txt", readers)
            return await ingestion.upload.upload(ANN, target, pieces(TEXT.encode()))

        await upload(HR)
        await upload(HR)
        assert (await refusal(upload(EVERYONE)))[:2] == (ConflictError, "readers_differ")


class TestEditors:
    @pytest.fixture
    async def read_only(self, ingestion: Ingestion) -> Document:
        received = await ingestion.receive(ANN, TEXT)
        access = KnowledgeBaseAccess(editors=HR)
        await ingestion.access.set_of_knowledge_base(
            MANAGER, received.document.knowledge_base_id, access
        )
        return received.document

    @pytest.mark.parametrize("name", ["delete", "deletion", "upload"])
    async def test_alone_change_what_is_in_it(
        self, ingestion: Ingestion, read_only: Document, name: str
    ) -> None:
        target = read_only.id if name == "delete" else read_only.knowledge_base_id
        refused = await refusal(CALLS[name](ingestion, BOB, target))
        assert refused[:2] == (PermissionDeniedError, "not_an_editor")
        assert (await ingestion.document_care.get(BOB, read_only.id)).version == 1

    async def test_change_it(self, ingestion: Ingestion, read_only: Document) -> None:
        for one in (ANN, MANAGER):
            received = await ingestion.receive(
                one, f"{TEXT} {one.principal_id}", knowledge_base_id=read_only.knowledge_base_id
            )
            assert received.is_new_version
        await ingestion.document_care.delete(ANN, read_only.id)

    async def test_are_asked_for_again_when_the_file_has_arrived(
        self, ingestion: Ingestion, read_only: Document
    ) -> None:
        target = UploadTarget(read_only.knowledge_base_id, "late.txt")
        await ingestion.knowledge_base_care.delete(ANN, read_only.knowledge_base_id)
        before = await ingestion.object_keys()
        refused = await refusal(ingestion.upload.upload(ANN, target, pieces(b"late")))
        assert refused[0] is NotFoundError
        assert await ingestion.object_keys() == before


class TestTheIndex:
    """What it does with real engines stands in tests/integration/test_readers.py."""

    async def test_follows_an_event_when_it_could_not_be_told(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        reader = question("canteen")
        kept, away = ingestion.index, _AwayIndex()
        around = document.knowledge_base_id
        ingestion.access._index = away
        for change in (
            ingestion.access.set_of_knowledge_base(MANAGER, around, KnowledgeBaseAccess()),
            ingestion.access.set_of_document(MANAGER, document.id, audience((), ["usr_bob"])),
        ):
            with pytest.raises(DependencyUnavailableError):
                await change
        ingestion.access._index = kept
        await deliver(ingestion)
        assert await kept.search("tnt_a", reader) == []
        await ingestion.access.set_of_document(MANAGER, document.id, EVERYONE)
        assert await kept.search("tnt_a", reader)

    @pytest.mark.parametrize("moment", ["while chunks are added", "after readers were read"])
    async def test_shows_nothing_to_who_was_refused_while_a_worker_was_at_it(
        self, ingestion: Ingestion, moment: str
    ) -> None:
        received = (await ingestion.receive(MANAGER, TEXT)).document
        embed, readers_of = ingestion.embedder.embed, ingestion.ledger.readers

        async def narrow() -> None:
            await ingestion.access.set_of_document(MANAGER, received.id, HR)

        async def narrow_then_embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
            await narrow()
            return await embed(texts)

        async def read_then_narrow(key: VersionKey) -> DocumentReaders | None:
            readers = await readers_of(key)
            await narrow()
            return readers

        if moment == "while chunks are added":
            ingestion.embedder.embed = narrow_then_embed  # type: ignore[method-assign]  # the race, made certain
        else:
            ingestion.ledger.readers = read_then_narrow  # type: ignore[method-assign]  # the race, made certain
        await ingestion.index_newest(MANAGER, received)
        assert await ingestion.index.search("tnt_a", question("canteen")) == []
        in_hr = question("canteen", reader=reader_of(ANN))
        assert await ingestion.index.search("tnt_a", in_hr)

    async def test_of_what_was_deleted_meanwhile_is_left_alone(
        self, ingestion: Ingestion, document: Document
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document.id, ANN_ONLY)
        access = KnowledgeBaseAccess(readers=ANN_ONLY)
        await ingestion.access.set_of_knowledge_base(MANAGER, document.knowledge_base_id, access)
        await ingestion.knowledge_base_care.delete(MANAGER, document.knowledge_base_id)
        await deliver(ingestion)
        await ingestion.access.tell_of_document("tnt_a", document.id)
        assert await ingestion.index.count("tnt_a") == 0


class TestTheTrail:
    async def test_has_each_change_once(self, ingestion: Ingestion, document: Document) -> None:
        for _ in range(2):
            await ingestion.access.set_of_document(MANAGER, document.id, ANN_ONLY)
            access = KnowledgeBaseAccess(editors=HR)
            await ingestion.access.set_of_knowledge_base(
                MANAGER, document.knowledge_base_id, access
            )
        await ingestion.relay.stop()
        told = [event for event in ingestion.publisher.events if event.topic == AUDIT_TOPIC]
        actions = [audit_pb2.AuditRecorded.FromString(event.payload).action for event in told]
        assert actions.count("document.access_changed") == 1
        assert actions.count("knowledge_base.access_changed") == 1


class _AwayIndex(FakePassageIndex):
    async def set_knowledge_base_readers(self, *_: object) -> None:
        raise DependencyUnavailableError("index_unavailable", "Away.")

    async def set_document_readers(self, *_: object) -> None:
        raise DependencyUnavailableError("index_unavailable", "Away.")


async def deliver(ingestion: Ingestion) -> None:
    """Everything that was published, to the workers."""
    await ingestion.relay.stop()
    consumer = DocumentEventsConsumer(
        WORKER, ingestion.pipeline, ingestion.removal, ingestion.access
    )
    for event in ingestion.publisher.events:
        if event.topic == "documents":
            await consumer.handle(event)
