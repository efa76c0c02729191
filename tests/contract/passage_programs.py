"""Random programs over a passage index, and the simple index that says what they must do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

from hypothesis import strategies as st

from clientsphere_common.access.audience import EVERYONE, Audience, Reader, audience
from clientsphere_common.vectors.model import DocumentReaders, IndexedChunk, Readers
from clientsphere_common.vectors.ports import PassageIndex
from tests.contract.passage_chunks import ANYBODY, chunk, question

Place = tuple[str, str, int, int]
"""Tenant, document, version, chunk."""
AUDIENCES = {"all": EVERYONE, "hr": audience(["hr"], ()), "ann": audience((), ["ann"])}
READERS = (
    ANYBODY,
    Reader(EVERYONE.identities | AUDIENCES["hr"].identities),
    Reader(EVERYONE.identities | AUDIENCES["hr"].identities | AUDIENCES["ann"].identities),
    Reader(frozenset(), reads_all=True),
)
_UNTOLD = Readers(Audience(frozenset()), -1)


@dataclass
class ModelIndex:
    """What a passage index promises, in the fewest words."""

    knowledge_bases: dict[Place, str] = field(default_factory=dict)
    visible: set[Place] = field(default_factory=set)
    readers: dict[Place, list[Readers]] = field(default_factory=dict)
    """Of the knowledge base and of the document."""

    def add(self, tenant: str, added: IndexedChunk) -> None:
        place = (tenant, added.document_id, added.version, added.chunk_index)
        self.knowledge_bases.setdefault(place, added.knowledge_base_id)
        self.readers.setdefault(place, [_UNTOLD, _UNTOLD])

    def activate(self, tenant: str, document: str, version: int, readers: DocumentReaders) -> int:
        chosen = self.places(tenant, document, version)
        if any(place[2] > version for place in self.visible & self.places(tenant, document)):
            self.remove(tenant, document, version)
            return 0
        if chosen:
            self.visible |= chosen
            self.tell(chosen, 0, readers.of_knowledge_base)
            self.tell(chosen, 1, readers.of_document)
            self._forget(lambda place: place[:2] == (tenant, document) and place[2] < version)
        return len(chosen)

    def remove(self, tenant: str, document: str, version: int | None = None) -> None:
        doomed = self.places(tenant, document, version)
        self._forget(lambda place: place in doomed)

    def tell(self, places: set[Place], half: int, readers: Readers) -> None:
        for place in places:
            if self.readers[place][half].revision < readers.revision:
                self.readers[place][half] = readers

    def held(self, tenant: str, knowledge_base: str) -> set[Place]:
        own = self.places(tenant)
        return {place for place in own if self.knowledge_bases[place] == knowledge_base}

    def places(
        self, tenant: str, document: str | None = None, version: int | None = None
    ) -> set[Place]:
        return {
            place
            for place in self.knowledge_bases
            if place[0] == tenant and document in {None, place[1]} and version in {None, place[2]}
        }

    def found(self, tenant: str, knowledge_base: str | None, reader: Reader) -> set[Place]:
        return {
            place
            for place in self.visible
            if place[0] == tenant
            and knowledge_base in {None, self.knowledge_bases[place]}
            and (
                reader.reads_all
                or all(one.audience.identities & reader.identities for one in self.readers[place])
            )
        }

    def _forget(self, is_gone: Callable[[Place], bool]) -> None:
        gone = {place for place in self.knowledge_bases if is_gone(place)}
        self.visible -= gone
        for place in gone:
            del self.knowledge_bases[place], self.readers[place]


@dataclass(frozen=True)
class Step:
    action: str
    tenant: str
    document: str
    version: int
    chunk_index: int
    knowledge_base: str
    audience: str
    revision: int

    @property
    def readers(self) -> Readers:
        return Readers(AUDIENCES[self.audience], self.revision)

    @property
    def both_readers(self) -> DocumentReaders:
        return DocumentReaders(self.readers, Readers(EVERYONE, self.revision // 2))


STEPS = st.builds(
    Step,
    action=st.sampled_from(
        [
            *("add", "add", "add", "activate", "activate"),
            *("remove_document", "remove_version", "search"),
            *("set_knowledge_base_readers", "set_document_readers"),
        ]
    ),
    tenant=st.sampled_from(["acme", "globex"]),
    document=st.sampled_from(["handbook", "prices"]),
    version=st.integers(1, 3),
    chunk_index=st.integers(0, 2),
    knowledge_base=st.sampled_from(["hr", "sales"]),
    audience=st.sampled_from(list(AUDIENCES)),
    revision=st.integers(0, 6),
)


@dataclass(frozen=True)
class Comparison:
    """Takes the same steps in both indexes. `run` keeps the tenants of each program apart."""

    index: PassageIndex
    run: str
    model: ModelIndex = field(default_factory=ModelIndex)

    async def take(self, step: Step) -> None:
        tenant = f"{step.tenant}-{self.run}"
        match step.action:
            case "add":
                added = chunk(
                    f"paragraph {step.version}",
                    document=step.document,
                    version=step.version,
                    index=step.chunk_index,
                    knowledge_base=step.knowledge_base,
                )
                await self.index.add(tenant, [added])
                self.model.add(tenant, added)
            case "activate":
                chosen = (tenant, step.document, step.version, step.both_readers)
                assert await self.index.activate(*chosen) == self.model.activate(*chosen)
            case "set_knowledge_base_readers":
                kept = (tenant, step.knowledge_base)
                await self.index.set_knowledge_base_readers(*kept, step.readers)
                self.model.tell(self.model.held(*kept), 0, step.readers)
            case "set_document_readers":
                await self.index.set_document_readers(tenant, step.document, step.readers)
                self.model.tell(self.model.places(tenant, step.document), 1, step.readers)
            case "remove_document":
                await self.index.remove_document(tenant, step.document)
                self.model.remove(tenant, step.document)
            case "remove_version":
                await self.index.remove_version(tenant, step.document, step.version)
                self.model.remove(tenant, step.document, step.version)
            case "search":
                await self._same_found(tenant, step.knowledge_base)
        await self._same_counted(tenant, step)

    async def _same_found(self, tenant: str, knowledge_base: str) -> None:
        for only, reader in product((None, knowledge_base), READERS):
            chosen = [] if only is None else [only]
            asked = question(knowledge_bases=chosen, reader=reader)
            found = await self.index.search(tenant, asked)
            places = {(tenant, one.document_id, one.version, one.chunk_index) for one in found}
            assert places == self.model.found(tenant, only, reader)

    async def _same_counted(self, tenant: str, step: Step) -> None:
        model = self.model
        assert await self.index.count(tenant) == len(model.places(tenant))
        assert await self.index.count(tenant, step.document, step.version) == len(
            model.places(tenant, step.document, step.version)
        )
        assert await self.index.count(tenant, step.document, active_only=True) == len(
            model.places(tenant, step.document) & model.visible
        )
