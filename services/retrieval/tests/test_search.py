"""Which passages a question gets, given what the index finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from clientsphere_common.access.audience import Reader
from clientsphere_common.access.model import Permission
from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import FoundPassage, HybridQuery
from retrieval.search import PassageSearch, Selection

CALLER = Caller("tnt_a", "usr_1", groups=("hr",))
VECTOR = (0.6, 0.8)


class FakeEmbedder:
    def __init__(self) -> None:
        self.questions: list[str] = []
        self.failure: Exception | None = None

    async def embed(self, tenant_id: str, question: str) -> Sequence[float]:
        self.questions.append(question)
        if self.failure is not None:
            raise self.failure
        return VECTOR


class RankedIndex:
    """Finds what it was given, in that order, for whatever it is asked."""

    def __init__(self, *ranking: FoundPassage) -> None:
        self.ranking = ranking
        self.queries: list[tuple[str, HybridQuery]] = []

    async def search(self, tenant_id: str, query: HybridQuery) -> list[FoundPassage]:
        self.queries.append((tenant_id, query))
        return list(self.ranking[: query.limit])


def passage(text: str, document: str = "doc_1", headings: tuple[str, ...] = ()) -> FoundPassage:
    return FoundPassage(
        document_id=document,
        version=1,
        chunk_index=0,
        knowledge_base_id="kb_1",
        document_name=f"{document}.pdf",
        text=text,
        page=1,
        heading_path=headings,
        start=0,
        end=len(text),
        score=0.0,
    )


def numbered(count: int) -> list[FoundPassage]:
    return [passage(f"passage {number}") for number in range(count)]


class SearchIn:
    """Searches a ranking and gives the texts that were chosen."""

    def __init__(self, embedder: FakeEmbedder) -> None:
        self._embedder = embedder

    async def __call__(
        self,
        *ranking: FoundPassage,
        question: str = "How many?",
        top_k: int = 0,
        per_document: int | None = None,
    ) -> list[str]:
        selection = Selection(candidates=64, per_document=per_document)
        search = PassageSearch(RankedIndex(*ranking), self._embedder, selection)
        return [found.text for found in await search.search(CALLER, question, (), top_k)]


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def search_in(embedder: FakeEmbedder) -> SearchIn:
    return SearchIn(embedder)


class TestQuestion:
    async def test_is_searched_in_words_and_in_meaning_for_its_tenant(
        self, embedder: FakeEmbedder
    ) -> None:
        index = RankedIndex()
        search = PassageSearch(index, embedder, Selection(candidates=64))
        await search.search(CALLER, "  How many days? \n", ["kb_1", "kb_2"], 5)
        assert embedder.questions == ["How many days?"]
        expected = HybridQuery(
            text="How many days?",
            vector=VECTOR,
            limit=64,
            reader=Reader(frozenset({"everyone", "principal:usr_1", "group:hr"})),
            knowledge_base_ids=("kb_1", "kb_2"),
        )
        assert index.queries == [("tnt_a", expected)]

    async def test_of_somebody_who_reads_everything_is_for_everything(
        self, embedder: FakeEmbedder
    ) -> None:
        index = RankedIndex()
        reads_all = replace(CALLER, permissions=frozenset({Permission.DOCUMENTS_READ_ALL}))
        search = PassageSearch(index, embedder, Selection(candidates=64))
        await search.search(reads_all, "How many days?", [], 5)
        assert [query.reader.reads_all for _, query in index.queries] == [True]

    @pytest.mark.parametrize("question", ["", " \t\n ", "x" * 4001])
    async def test_empty_or_overlong_is_refused_before_anything_is_asked(
        self, search_in: SearchIn, embedder: FakeEmbedder, question: str
    ) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await search_in(question=question)
        assert refused.value.code == "invalid_question"
        assert embedder.questions == []

    @pytest.mark.parametrize("question", ["?", "ü" * 4000, " " + "x" * 4000 + " "])
    async def test_may_have_up_to_4000_characters_between_spaces(
        self, search_in: SearchIn, embedder: FakeEmbedder, question: str
    ) -> None:
        await search_in(question=question)
        assert embedder.questions == [question.strip()]

    async def test_that_cannot_be_embedded_is_not_answered_by_words_alone(
        self, search_in: SearchIn, embedder: FakeEmbedder
    ) -> None:
        embedder.failure = DependencyUnavailableError("model_away", "The model is away.")
        with pytest.raises(DependencyUnavailableError):
            await search_in(passage("found by words"))


class TestTopK:
    async def test_is_8_unless_told_otherwise(self, search_in: SearchIn) -> None:
        assert len(await search_in(*numbered(60))) == 8

    @pytest.mark.parametrize("top_k", [1, 50])
    async def test_is_what_was_asked_for(self, search_in: SearchIn, top_k: int) -> None:
        texts = await search_in(*numbered(60), top_k=top_k)
        assert texts == [f"passage {number}" for number in range(top_k)]

    @pytest.mark.parametrize("top_k", [-1, 51])
    async def test_out_of_range_is_refused(self, search_in: SearchIn, top_k: int) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await search_in(top_k=top_k)
        assert refused.value.code == "invalid_top_k"

    async def test_is_found_even_with_fewer_candidates_in_the_settings(
        self, embedder: FakeEmbedder
    ) -> None:
        search = PassageSearch(RankedIndex(*numbered(60)), embedder, Selection(candidates=10))
        assert len(await search.search(CALLER, "How many?", (), 50)) == 50


class TestCopies:
    async def test_of_two_documents_with_the_same_passage_the_better_one_is_given(
        self, search_in: SearchIn
    ) -> None:
        better = passage("25 days of leave", "doc_better")
        copy = passage("25  days\nof leave", "doc_copy")
        other = passage("sick leave")
        assert await search_in(better, copy, other) == ["25 days of leave", "sick leave"]

    async def test_make_room_for_other_passages(self, search_in: SearchIn) -> None:
        copies = [passage("same", f"doc_{number}") for number in range(20)]
        assert await search_in(*copies, *numbered(3), top_k=3) == [
            "same",
            "passage 0",
            "passage 1",
        ]

    async def test_the_same_words_under_another_heading_are_another_fact(
        self, search_in: SearchIn
    ) -> None:
        lamp = passage("Price: 10 EUR", headings=("Price list", "Lamp"))
        chair = passage("Price: 10 EUR", headings=("Price list", "Chair"))
        assert len(await search_in(lamp, chair)) == 2


class TestPassagesPerDocument:
    async def test_are_not_limited_unless_told_so(self, search_in: SearchIn) -> None:
        assert len(await search_in(*numbered(10), top_k=10)) == 10

    async def test_beyond_the_limit_give_way_to_other_documents(self, search_in: SearchIn) -> None:
        crowding = [passage(f"crowd {number}", "doc_crowd") for number in range(5)]
        others = [passage("other", "doc_other")]
        assert await search_in(*crowding, *others, per_document=2) == [
            "crowd 0",
            "crowd 1",
            "other",
        ]
