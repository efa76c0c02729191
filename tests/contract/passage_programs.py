"""Random programs over a passage index, and the simple index that says what they must do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from clientsphere_common.vectors.model import IndexedChunk
from clientsphere_common.vectors.ports import PassageIndex
from tests.contract.passage_chunks import chunk, question

Place = tuple[str, str, int, int]
"""Tenant, document, version, chunk."""


@dataclass
class ModelIndex:
    """What a passage index promises, in the fewest words."""

    knowledge_bases: dict[Place, str] = field(default_factory=dict)
    visible: set[Place] = field(default_factory=set)

    def add(self, tenant: str, added: IndexedChunk) -> None:
        place = (tenant, added.document_id, added.version, added.chunk_index)
        self.knowledge_bases.setdefault(place, added.knowledge_base_id)

    def activate(self, tenant: str, document: str, version: int) -> int:
        chosen = self.places(tenant, document, version)
        if any(place[2] > version for place in self.visible & self.places(tenant, document)):
            self.remove(tenant, document, version)
            return 0
        if chosen:
            self.visible |= chosen
            self._forget(lambda place: place[:2] == (tenant, document) and place[2] < version)
        return len(chosen)

    def remove(self, tenant: str, document: str, version: int | None = None) -> None:
        doomed = self.places(tenant, document, version)
        self._forget(lambda place: place in doomed)

    def places(
        self, tenant: str, document: str | None = None, version: int | None = None
    ) -> set[Place]:
        return {
            place
            for place in self.knowledge_bases
            if place[0] == tenant and document in {None, place[1]} and version in {None, place[2]}
        }

    def found(self, tenant: str, knowledge_base: str | None) -> set[Place]:
        return {
            place
            for place in self.visible
            if place[0] == tenant and knowledge_base in {None, self.knowledge_bases[place]}
        }

    def _forget(self, is_gone: Callable[[Place], bool]) -> None:
        gone = {place for place in self.knowledge_bases if is_gone(place)}
        self.visible -= gone
        for place in gone:
            del self.knowledge_bases[place]


@dataclass(frozen=True)
class Step:
    action: str
    tenant: str
    document: str
    version: int
    chunk_index: int
    knowledge_base: str


STEPS = st.builds(
    Step,
    action=st.sampled_from(
        ["add", "add", "add", "activate", "activate", "remove_document", "remove_version", "search"]
    ),
    tenant=st.sampled_from(["acme", "globex"]),
    document=st.sampled_from(["handbook", "prices"]),
    version=st.integers(1, 3),
    chunk_index=st.integers(0, 2),
    knowledge_base=st.sampled_from(["hr", "sales"]),
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
                visible = await self.index.activate(tenant, step.document, step.version)
                assert visible == self.model.activate(tenant, step.document, step.version)
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
        for only in (None, knowledge_base):
            asked = question(knowledge_bases=[] if only is None else [only])
            found = await self.index.search(tenant, asked)
            places = {(tenant, one.document_id, one.version, one.chunk_index) for one in found}
            assert places == self.model.found(tenant, only)

    async def _same_counted(self, tenant: str, step: Step) -> None:
        model = self.model
        assert await self.index.count(tenant) == len(model.places(tenant))
        assert await self.index.count(tenant, step.document, step.version) == len(
            model.places(tenant, step.document, step.version)
        )
        assert await self.index.count(tenant, step.document, active_only=True) == len(
            model.places(tenant, step.document) & model.visible
        )
