"""The index of the distributed shape answers exactly as that of the embedded shape does."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clientsphere_common.access.audience import EVERYONE
from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
    Readers,
)
from clientsphere_common.vectors.ports import PassageIndex
from tests.contract.passage_chunks import DIMENSION, chunk
from tests.contract.passage_indexes import EMBEDDED, REMOTE, opened_index
from tests.contract.passage_programs import AUDIENCES, READERS

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
PROGRAMS, STEPS = (60, 150) if FULL else (8, 80)

WORDS = [f"{stem}{ending}" for stem in ("vaca", "invo", "contr", "holi") for ending in "abcdefgh"]
DOCUMENTS = {"handbook": "hr", "prices": "sales", "terms": "legal"}
STEPS_PER_VERSION = 25
WEIGHTS = {
    "add": 24,
    "activate": 24,
    "search": 30,
    "set_readers": 6,
    "count": 6,
    "remove_version": 2,
    "remove_document": 1,
}

Call = Callable[[PassageIndex], Awaitable[object]]


@dataclass(frozen=True)
class Step:
    name: str
    tenant: str
    document: str
    call: Call

    async def take(self, index: PassageIndex) -> tuple[object, int, int]:
        """The answer, and how many chunks the document has afterwards: in all, and visible."""
        answer = await self.call(index)
        counted = await index.count(self.tenant, self.document)
        visible = await index.count(self.tenant, self.document, active_only=True)
        return answer, counted, visible


@dataclass
class Program:
    """Random calls that follow from the seed. Each chunk is longer than the one before.

    So no two fit a question equally well in words, nor, with random vectors, in meaning: the order
    of equals is the engine's choice.
    """

    seed: int

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._length = 3
        self._steps = 0

    def step(self) -> Step:
        self._steps += 1
        tenant = f"{self._random.choice(['acme', 'globex'])}-{self.seed}"
        document = self._random.choice(list(DOCUMENTS))
        # Mostly forwards, as in life, and sometimes late.
        version = max(1, self._steps // STEPS_PER_VERSION + self._random.randint(-1, 1))
        many = range(self._random.randint(2, 10))
        (name,) = self._random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        added = [self._chunk(document, version) for _ in many] if name == "add" else []
        asked = self._question()
        readers = self._readers()
        both = DocumentReaders(self._readers(), self._readers())
        knowledge_base = DOCUMENTS[document]
        calls: dict[str, Call] = {
            "add": lambda index: index.add(tenant, added),
            "activate": lambda index: index.activate(tenant, document, version, both),
            "set_readers": self._random.choice(
                [
                    lambda index: index.set_document_readers(tenant, document, readers),
                    lambda index: index.set_knowledge_base_readers(tenant, knowledge_base, readers),
                ]
            ),
            "search": lambda index: index.search(tenant, asked),
            "count": lambda index: index.count(tenant, document, version),
            "remove_version": lambda index: index.remove_version(tenant, document, version),
            "remove_document": lambda index: index.remove_document(tenant, document),
        }
        return Step(name, tenant, document, calls[name])

    def _chunk(self, document: str, version: int) -> IndexedChunk:
        """Of a place that may be taken already: then nothing of it must arrive."""
        self._length += 1
        words = self._random.choices(WORDS, k=self._length)
        in_headings = self._random.randint(0, 2)
        made = chunk(
            " ".join(words[in_headings:]),
            document=document,
            version=version,
            index=self._random.randrange(30),
            knowledge_base=DOCUMENTS[document],
            headings=words[:in_headings],
        )
        return replace(made, vector=self._vector())

    def _question(self) -> HybridQuery:
        few = self._random.sample([*WORDS, "unheard", "the"], k=4)
        words = self._random.choices(few, k=self._random.randint(0, 8))
        chosen = self._random.sample(["hr", "sales", "legal"], k=self._random.randint(0, 2))
        return HybridQuery(
            text=" ".join(words),
            vector=self._vector(),
            reader=self._random.choice(READERS),
            knowledge_base_ids=tuple(chosen),
            limit=self._random.choice([1, 5, 50, 400]),
        )

    def _readers(self) -> Readers:
        """Mostly later ones, and mostly of many, so that enough is found."""
        audiences = [EVERYONE, EVERYONE, *AUDIENCES.values()]
        return Readers(self._random.choice(audiences), self._steps // 10)

    def _vector(self) -> list[float]:
        return [self._random.gauss(0, 1) for _ in range(DIMENSION)]


@pytest.mark.parametrize("kind", REMOTE)
async def test_random_programs_have_the_same_answers(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = 0
    async with (
        opened_index(kind, tmp_path, request) as remote,
        opened_index(EMBEDDED, tmp_path, request) as embedded,
    ):
        for seed in range(PROGRAMS):
            program = Program(seed)
            for number in range(STEPS):
                step = program.step()
                answer, expected = await step.take(remote), await step.take(embedded)
                assert answer == expected, f"program {seed}, step {number}: {step.name}"
                found += _passages(answer[0])
    assert found > PROGRAMS * STEPS, "programs that find little compare little"


def _passages(answer: object) -> int:
    if not isinstance(answer, list):
        return 0
    return sum(isinstance(one, FoundPassage) for one in answer)
