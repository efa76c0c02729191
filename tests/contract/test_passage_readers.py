"""Whom every passage index shows what, run against each adapter of the port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clientsphere_common.access.audience import Audience, Reader
from clientsphere_common.vectors.model import DocumentReaders, Readers
from clientsphere_common.vectors.ports import PassageIndex
from tests.contract.passage_chunks import OPEN, chunk, chunks, question
from tests.contract.passage_indexes import EMBEDDED, REMOTE, opened_index
from tests.contract.passage_programs import AUDIENCES, READERS


@pytest.fixture(params=[EMBEDDED, *REMOTE])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PassageIndex]:
    async with opened_index(request.param, tmp_path, request) as opened:
        yield opened


ANYBODY, IN_HR, ANN_IN_HR, READS_ALL = READERS
ONLY_HR, ONLY_ANN = Readers(AUDIENCES["hr"], 1), Readers(AUDIENCES["ann"], 1)
NOBODY = Audience(frozenset())


class TestReaders:
    """Three chunks of the document `handbook` in the knowledge base `hr`."""

    async def _indexed(self, index: PassageIndex, readers: DocumentReaders = OPEN) -> None:
        await index.add("acme", chunks(3))
        await index.activate("acme", "handbook", 1, readers)

    async def _found_by(self, index: PassageIndex, reader: Reader) -> int:
        return len(await index.search("acme", question(reader=reader)))

    async def test_those_of_the_activation_find_it(self, index: PassageIndex) -> None:
        await self._indexed(index, DocumentReaders(of_document=ONLY_HR))
        assert await self._found_by(index, ANYBODY) == 0
        assert await self._found_by(index, IN_HR) == 3

    async def test_the_knowledge_base_and_the_document_must_both_admit(
        self, index: PassageIndex
    ) -> None:
        await self._indexed(index, DocumentReaders(ONLY_HR, ONLY_ANN))
        found = [await self._found_by(index, reader) for reader in READERS]
        assert found == [0, 0, 3, 3]

    async def test_without_an_audience_only_who_reads_everything_finds_it(
        self, index: PassageIndex
    ) -> None:
        await self._indexed(index, DocumentReaders(of_document=Readers(NOBODY, 1)))
        found = [await self._found_by(index, reader) for reader in READERS]
        assert found == [0, 0, 0, 3]

    async def test_a_reader_without_any_identity_finds_nothing(self, index: PassageIndex) -> None:
        await self._indexed(index)
        assert await self._found_by(index, Reader(frozenset())) == 0

    async def test_narrowing_a_knowledge_base_holds_for_the_next_search(
        self, index: PassageIndex
    ) -> None:
        await self._indexed(index)
        await index.set_knowledge_base_readers("acme", "hr", ONLY_HR)
        assert await self._found_by(index, ANYBODY) == 0
        assert await self._found_by(index, IN_HR) == 3

    async def test_narrowing_a_document_leaves_the_others(self, index: PassageIndex) -> None:
        await self._indexed(index)
        await index.add("acme", chunks(2, document="prices"))
        await index.activate("acme", "prices", 1, OPEN)
        await index.set_document_readers("acme", "handbook", ONLY_HR)
        assert await self._found_by(index, ANYBODY) == 2

    async def test_narrowing_reaches_a_version_that_is_being_added(
        self, index: PassageIndex
    ) -> None:
        await index.add("acme", chunks(3))
        await index.set_document_readers("acme", "handbook", ONLY_HR)
        await index.activate("acme", "handbook", 1, OPEN)
        assert await self._found_by(index, ANYBODY) == 0

    async def test_an_earlier_word_that_comes_late_changes_nothing(
        self, index: PassageIndex
    ) -> None:
        await self._indexed(index)
        await index.set_document_readers("acme", "handbook", Readers(NOBODY, 2))
        await index.set_document_readers("acme", "handbook", Readers(AUDIENCES["all"], 1))
        assert await self._found_by(index, ANYBODY) == 0

    async def test_widening_it_again_shows_it_again(self, index: PassageIndex) -> None:
        await self._indexed(index, DocumentReaders(of_document=ONLY_HR))
        await index.set_document_readers("acme", "handbook", Readers(AUDIENCES["all"], 2))
        assert await self._found_by(index, ANYBODY) == 3

    async def test_they_are_changed_in_one_tenant_only(self, index: PassageIndex) -> None:
        await self._indexed(index)
        await index.set_document_readers("globex", "handbook", Readers(NOBODY, 1))
        await index.set_knowledge_base_readers("globex", "hr", Readers(NOBODY, 1))
        assert await self._found_by(index, ANYBODY) == 3

    async def test_identities_of_a_reader_open_nothing_of_another_tenant(
        self, index: PassageIndex
    ) -> None:
        await self._indexed(index)
        for reader in (ANN_IN_HR, READS_ALL):
            assert await index.search("globex", question(reader=reader)) == []

    async def test_what_is_hidden_does_not_move_a_readers_ranking(
        self, index: PassageIndex
    ) -> None:
        texts_of_acme = ("contract terms terms", "holiday terms")
        await index.add("acme", [chunk(text, index=n) for n, text in enumerate(texts_of_acme)])
        await index.activate("acme", "handbook", 1, OPEN)
        asked = question("contract terms holiday", meaning="unrelated")
        before = await index.search("acme", asked)
        hidden = [chunk("contract", document="secret", index=number) for number in range(50)]
        await index.add("acme", hidden)
        await index.activate("acme", "secret", 1, DocumentReaders(of_document=ONLY_HR))
        assert await index.search("acme", asked) == before
