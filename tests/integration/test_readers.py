"""Who may not read it finds nothing: on real tables and indexes, at random and at every await."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingestion.wiring
from clientsphere_common.access.audience import EVERYONE, Audience, audience, reader_of
from clientsphere_common.access.model import Permission
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.errors import NotFoundError
from clientsphere_common.ids import new_id
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.paging import PageWish
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import HybridQuery
from ingestion.adapters.sql_jobs import WORKER
from ingestion.adapters.tables import OutboxRow
from ingestion.consumer import DocumentEventsConsumer
from ingestion.model import Document, DocumentChoice, KnowledgeBase, KnowledgeBaseAccess, VersionKey
from tests.contract.passage_chunks import DIMENSION
from tests.contract.passage_indexes import EMBEDDED, STAND_IN, opened_index
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.cancelling import CancelledAt
from tests.harness.databases import DatabaseUnderTest
from tests.harness.ingestion import FakeEmbedder, Ingestion
from tests.harness.modules import running

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
STRIDE = 3 if FULL else 9
"""Every so many of the places where a worker can wait."""
HR, SALES, NOBODY = audience(["hr"], ()), audience(["sales"], ()), Audience(frozenset())
BEN_OR_SALES = audience(["sales"], ["usr_ben"])
AUDIENCES = (EVERYONE, HR, SALES, BEN_OR_SALES, NOBODY)


@dataclass(frozen=True)
class People:
    """Of a tenant that no other test has."""

    tenant_id: str = field(default_factory=lambda: new_id("tnt"))

    @property
    def manager(self) -> Caller:
        may = frozenset({Permission.ACCESS_MANAGE, Permission.DOCUMENTS_READ_ALL})
        return Caller(self.tenant_id, "usr_manager", permissions=may)

    @property
    def readers(self) -> tuple[Caller, ...]:
        return (
            Caller(self.tenant_id, "usr_ann", groups=("hr",)),
            Caller(self.tenant_id, "usr_ben"),
            Caller(self.tenant_id, "usr_cem", groups=("hr", "sales")),
        )


@dataclass(frozen=True)
class World:
    ingestion: Ingestion

    async def found_by(self, caller: Caller) -> set[str]:
        """The names of the documents that a search shows to `caller`."""
        query = HybridQuery(
            text="note", vector=[1.0] * DIMENSION, limit=200, reader=reader_of(caller)
        )
        found = await self.ingestion.index.search(caller.tenant_id, query)
        return {passage.document_name for passage in found}

    async def listed_by(self, caller: Caller) -> set[str]:
        page = await self.ingestion.document_care.page(caller, DocumentChoice(), PageWish(200))
        return {document.name for document in page.items}

    async def counted_by(self, caller: Caller) -> int:
        seen = await self.ingestion.knowledge_base_care.page(caller, PageWish(200))
        return sum(one.document_count for one in seen.items)

    async def deliver(self, people: People) -> None:
        """What was published, to the workers, by a process that has just started."""
        one = self.ingestion
        async with one.database.transaction(people.tenant_id) as session:
            # In its turn: a server may still be at the commit that was broken off.
            await session.connection()
        relay = OutboxRelay(one.database, OutboxRow, one.publisher)
        await relay.start()
        await relay.stop()
        consumer = DocumentEventsConsumer(WORKER, one.pipeline, one.removal, one.access)
        events, one.publisher.events = one.publisher.events, []
        for event in events:
            if event.topic == "documents":
                await consumer.handle(event)


@pytest.fixture(params=[EMBEDDED, STAND_IN])
async def world(
    request: pytest.FixtureRequest, database_under_test: DatabaseUnderTest, tmp_path: Path
) -> AsyncIterator[World]:
    database_under_test.upgrade(ingestion.wiring.MIGRATIONS)
    database = Database(database_under_test.url)
    objects = DirectoryObjectStore(tmp_path / "objects")
    publisher = FakeEventPublisher()
    relay = OutboxRelay(database, OutboxRow, publisher)
    async with (
        opened_index(request.param, tmp_path, request) as index,
        running(database, objects),
    ):
        made = Ingestion(
            database,
            objects,
            publisher,
            relay,
            tmp_path / "scratch",
            index=index,
            embedder=FakeEmbedder(DIMENSION),
        )
        async with running(made.extraction):
            yield World(made)


@dataclass
class Model:
    """Who may read which document, in the fewest words."""

    around: Audience = EVERYONE
    documents: dict[str, Audience] = field(default_factory=dict)

    def seen_by(self, caller: Caller) -> set[str]:
        if not self.around.has(caller):
            return set()
        return {name for name, readers in self.documents.items() if readers.has(caller)}


@dataclass(frozen=True)
class Step:
    action: str
    name: str
    audience: Audience


STEPS = st.builds(
    Step,
    action=st.sampled_from(["upload", "upload", "upload and stage", "narrow", "narrow", "open up"]),
    name=st.sampled_from(["a.txt", "b.txt", "c.txt"]),
    audience=st.sampled_from(AUDIENCES),
)


@dataclass
class Program:
    """Takes the same steps in the product and in the model."""

    world: World
    people: People
    library: KnowledgeBase
    model: Model = field(default_factory=Model)
    ids: dict[str, Document] = field(default_factory=dict)
    uploads: int = 0

    async def take(self, step: Step) -> None:
        match step.action:
            case "upload":
                await self._upload(step.name)
            case "upload and stage":
                await self._upload(step.name, meanwhile=step.audience)
            case "narrow" if step.name in self.ids:
                await self._narrow(step.name, step.audience)
            case _:
                access = KnowledgeBaseAccess(readers=step.audience)
                care = self.world.ingestion.access
                await care.set_of_knowledge_base(self.people.manager, self.library.id, access)
                self.model.around = step.audience
        await self._compare()

    async def _upload(self, name: str, meanwhile: Audience | None = None) -> None:
        """The readers are changed between the adding of the chunks and their activation."""
        made = self.world.ingestion
        self.uploads += 1
        received = await made.receive(
            self.people.manager, f"note {self.uploads} " * 200, name, self.library.id
        )
        self.ids[name] = received.document
        self.model.documents.setdefault(name, EVERYONE)
        key = VersionKey(self.people.tenant_id, received.document.id, received.document.version)
        if meanwhile is None:
            await made.pipeline.process(key)
            return
        # While a worker is in the middle of it, wherever that is.
        await asyncio.gather(made.pipeline.process(key), self._narrow(name, meanwhile))

    async def _narrow(self, name: str, readers: Audience) -> None:
        care = self.world.ingestion.access
        await care.set_of_document(self.people.manager, self.ids[name].id, readers)
        self.model.documents[name] = readers

    async def _compare(self) -> None:
        for caller in self.people.readers:
            expected = self.model.seen_by(caller)
            assert await self.world.found_by(caller) == expected
            assert await self.world.listed_by(caller) == expected
            assert await self.world.counted_by(caller) == len(expected)
            for name, document in self.ids.items():
                await self._compare_one(caller, document, is_seen=name in expected)
        assert await self.world.found_by(self.people.manager) == set(self.model.documents)

    async def _compare_one(self, caller: Caller, document: Document, *, is_seen: bool) -> None:
        get = self.world.ingestion.document_care.get(caller, document.id)
        if is_seen:
            assert (await get).id == document.id
            return
        with pytest.raises(NotFoundError):
            await get


@settings(
    derandomize=True,
    max_examples=40 if FULL else 4,
    deadline=None,
    # One index and one database serve all programs: each has a tenant of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=4, max_size=10))
async def test_random_programs_show_what_a_simple_model_says(
    world: World, steps: list[Step]
) -> None:
    people = People()
    library = await world.ingestion.knowledge_base_care.create(
        people.manager, "library", KnowledgeBaseAccess()
    )
    program = Program(world, people, library)
    for step in steps:
        await program.take(step)


Change = Callable[[World, People, Document, Audience], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "document": lambda world, people, document, readers: world.ingestion.access.set_of_document(
        people.manager, document.id, readers
    ),
    "knowledge base": lambda world, people, document, readers: (
        world.ingestion.access.set_of_knowledge_base(
            people.manager, document.knowledge_base_id, KnowledgeBaseAccess(readers=readers)
        )
    ),
}


class TestEveryAwait:
    """A change is broken off wherever it waits, as by a crash or a client that goes away."""

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    async def test_of_a_change_leaves_an_index_that_agrees_with_the_tables_in_the_end(
        self, world: World, change: Change
    ) -> None:
        people = People()
        received = await world.ingestion.receive(people.manager, "note " * 300)
        document = await world.ingestion.index_newest(people.manager, received.document)
        for nth_wait in range(1, 200):
            readers = (HR, EVERYONE)[nth_wait % 2]
            broken_off = CancelledAt(_run(change, world, people, document, readers), nth_wait)
            was_cancelled = await asyncio.create_task(_has_been_cancelled(broken_off))
            await world.deliver(people)
            for caller in people.readers:
                assert await world.found_by(caller) == await world.listed_by(caller)
            if not was_cancelled:
                return
        pytest.fail("it never came to an end")

    # A file that was being opened as its task was cancelled stays open until it is collected.
    @pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO")
    async def test_of_a_worker_shows_nothing_to_who_was_refused_meanwhile(
        self, world: World
    ) -> None:
        people = People()
        for nth_wait in range(1, 400, STRIDE):
            name = f"{nth_wait}.txt"
            received = await world.ingestion.receive(people.manager, "note " * 300, name)
            document = received.document
            key = VersionKey(people.tenant_id, document.id, document.version)
            work = CancelledAt(world.ingestion.pipeline.process(key), nth_wait)
            was_cancelled = await asyncio.create_task(_has_been_cancelled(work))
            await world.ingestion.access.set_of_document(people.manager, document.id, HR)
            ann, ben, _ = people.readers
            assert name not in await world.found_by(ben)
            await world.deliver(people)
            assert name not in await world.found_by(ben)
            assert name in await world.found_by(ann)
            if not was_cancelled:
                return
        pytest.fail("it never came to an end")


class TestAtOnce:
    async def test_the_last_of_many_changes_holds_wherever_the_others_are(
        self, world: World
    ) -> None:
        people = People()
        received = await world.ingestion.receive(people.manager, "note " * 300)
        document = await world.ingestion.index_newest(people.manager, received.document)
        care = world.ingestion.access
        for _ in range(5):
            changes = [EVERYONE, HR, NOBODY, SALES] * 3
            await asyncio.gather(
                *(care.set_of_document(people.manager, document.id, one) for one in changes)
            )
            for caller in people.readers:
                assert await world.found_by(caller) == await world.listed_by(caller)


async def _run(
    change: Change, world: World, people: People, document: Document, readers: Audience
) -> None:
    await change(world, people, document, readers)


async def _has_been_cancelled(work: CancelledAt[None]) -> bool:
    try:
        await work
    except asyncio.CancelledError:
        if not work.was_cancelled:
            raise
    return work.was_cancelled
