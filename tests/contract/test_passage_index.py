"""What every passage index must do, run against each adapter of the port."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientsphere_common.vectors.model import Chunk, Readers
from clientsphere_common.vectors.ports import PassageIndex
from tests.contract.passage_chunks import (
    DIMENSION,
    OPEN,
    chunk,
    chunks,
    question,
    texts,
    versions,
)
from tests.contract.passage_indexes import EMBEDDED, REMOTE, opened_index
from tests.contract.passage_programs import STEPS, Comparison, Step


@pytest.fixture(params=[EMBEDDED, *REMOTE])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PassageIndex]:
    async with opened_index(request.param, tmp_path, request) as opened:
        yield opened


class TestAdding:
    async def test_added_chunks_are_invisible_until_activated(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        assert await index.search("acme", question()) == []
        assert await index.count("acme") == 3
        assert await index.count("acme", active_only=True) == 0

    async def test_adding_again_changes_nothing(self, index: PassageIndex) -> None:
        for _ in range(2):
            await index.add("acme", chunks(3))
        assert await index.count("acme") == 3

    async def test_adding_again_leaves_visible_chunks_visible(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        await index.activate("acme", "handbook", 1, OPEN)
        await index.add("acme", chunks(3))
        assert len(await index.search("acme", question())) == 3

    async def test_adding_nothing_does_nothing(self, index: PassageIndex) -> None:
        await index.add("acme", [])
        assert await index.count("acme") == 0

    async def test_many_chunks_go_in_at_once(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(300))
        assert await index.activate("acme", "handbook", 1, OPEN) == 300

    async def test_a_vector_of_another_dimension_is_refused(self, index: PassageIndex) -> None:
        wrong = replace(chunk("text"), vector=[1.0, 2.0])
        with pytest.raises(ValueError, match=f"2 numbers, not {DIMENSION}"):
            await index.add("acme", [wrong])


class TestActivation:
    async def test_an_activated_version_is_found(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        assert await index.activate("acme", "handbook", 1, OPEN) == 3
        assert len(await index.search("acme", question())) == 3

    async def test_repeating_it_changes_nothing(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        assert [await index.activate("acme", "handbook", 1, OPEN) for _ in range(2)] == [3, 3]
        assert await index.count("acme", active_only=True) == 3

    async def test_the_new_version_replaces_the_old_one(self, index: PassageIndex) -> None:
        for version in (1, 2):
            await index.add("acme", chunks(3, version=version))
            await index.activate("acme", "handbook", version, OPEN)
        assert versions(await index.search("acme", question())) == {2}
        assert await index.count("acme") == 3

    async def test_readers_keep_the_old_version_until_then(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        await index.activate("acme", "handbook", 1, OPEN)
        await index.add("acme", chunks(3, version=2))
        assert versions(await index.search("acme", question())) == {1}

    async def test_a_version_that_was_removed_stays_removed(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        await index.remove_version("acme", "handbook", 1)
        assert await index.activate("acme", "handbook", 1, OPEN) == 0
        assert await index.search("acme", question()) == []

    async def test_a_version_without_chunks_does_not_replace_another(
        self, index: PassageIndex
    ) -> None:
        await index.add("acme", chunks(3))
        await index.activate("acme", "handbook", 1, OPEN)
        assert await index.activate("acme", "handbook", 2, OPEN) == 0
        assert versions(await index.search("acme", question())) == {1}

    async def test_a_late_lower_version_is_removed_instead(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3, version=2))
        await index.activate("acme", "handbook", 2, OPEN)
        await index.add("acme", chunks(3, version=1))
        assert await index.activate("acme", "handbook", 1, OPEN) == 0
        assert versions(await index.search("acme", question())) == {2}
        assert await index.count("acme", "handbook", 1) == 0

    async def test_a_higher_version_that_is_being_added_stays(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(1, version=1))
        await index.add("acme", chunks(2, version=2))
        await index.activate("acme", "handbook", 1, OPEN)
        assert await index.count("acme", "handbook", 2) == 2

    async def test_other_documents_are_not_touched(self, index: PassageIndex) -> None:
        await index.add("acme", [*chunks(1, version=2), *chunks(1, document="prices")])
        await index.activate("acme", "handbook", 2, OPEN)
        assert await index.count("acme", "prices") == 1
        assert await index.count("acme", "prices", active_only=True) == 0


class TestRemoval:
    async def test_a_removed_document_is_gone_at_once(self, index: PassageIndex) -> None:
        await index.add("acme", [*chunks(3), *chunks(3, version=2)])
        await index.activate("acme", "handbook", 1, OPEN)
        await index.remove_document("acme", "handbook")
        assert await index.search("acme", question()) == []
        assert await index.count("acme") == 0

    async def test_a_removed_version_leaves_the_others(self, index: PassageIndex) -> None:
        await index.add("acme", [*chunks(3), *chunks(2, version=2)])
        await index.remove_version("acme", "handbook", 1)
        assert await index.count("acme", "handbook", 1) == 0
        assert await index.count("acme", "handbook", 2) == 2

    async def test_other_documents_stay(self, index: PassageIndex) -> None:
        await index.add("acme", [*chunks(1), *chunks(1, document="prices")])
        await index.remove_document("acme", "handbook")
        assert await index.count("acme", "prices") == 1

    async def test_removing_what_is_not_there_does_nothing(self, index: PassageIndex) -> None:
        await index.remove_document("acme", "handbook")
        await index.remove_version("acme", "handbook", 1)
        assert await index.count("acme") == 0

    async def test_what_is_added_afterwards_waits_for_activation(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(1))
        await index.activate("acme", "handbook", 1, OPEN)
        await index.remove_document("acme", "handbook")
        await index.add("acme", chunks(1))
        assert await index.search("acme", question()) == []


class TestSearch:
    async def test_an_empty_index_has_no_answers(self, index: PassageIndex) -> None:
        assert await index.search("acme", question()) == []

    async def test_passages_come_back_exactly_as_they_were_added(self, index: PassageIndex) -> None:
        added = chunk("Ünïcode \U0001f600\n\ttabs, \0 and “quotes” ", headings=["A", "ß / B"])
        await index.add("acme", [added])
        await index.activate("acme", "handbook", 1, OPEN)
        (found,) = await index.search("acme", question())
        assert [getattr(found, one.name) for one in fields(Chunk)] == [
            getattr(added, one.name) for one in fields(Chunk)
        ]

    async def test_the_passage_with_the_words_comes_first(self, index: PassageIndex) -> None:
        await self._three_topics(index)
        found = await index.search("acme", question("vacation", meaning="unrelated"))
        assert texts(found)[0] == "employees get vacation"

    async def test_words_are_found_in_other_forms(self, index: PassageIndex) -> None:
        await self._three_topics(index)
        found = await index.search("acme", question("INVOICED", meaning="unrelated"))
        assert texts(found)[0] == "we send invoices monthly"

    async def test_a_passage_is_found_by_meaning_alone(self, index: PassageIndex) -> None:
        await self._three_topics(index)
        found = await index.search("acme", question("zzz", meaning="employees get vacation"))
        assert texts(found)[0] == "employees get vacation"

    async def test_a_passage_is_found_by_the_words_of_its_headings(
        self, index: PassageIndex
    ) -> None:
        await self._three_topics(index)
        found = await index.search("acme", question("Sicherheit", meaning="unrelated"))
        assert texts(found)[0] == "doors lock at night"

    async def test_a_question_without_any_word_is_answered_by_meaning(
        self, index: PassageIndex
    ) -> None:
        await self._three_topics(index)
        found = await index.search("acme", question("the of", meaning="doors lock at night"))
        assert texts(found)[0] == "doors lock at night"

    async def test_the_best_are_as_many_as_were_asked_for(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(30))
        await index.activate("acme", "handbook", 1, OPEN)
        few, many = [await index.search("acme", question("number7", limit=n)) for n in (5, 30)]
        assert (len(few), len(many)) == (5, 30)
        assert few == many[:5]
        assert few[0].chunk_index == 7

    async def test_scores_fall(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(30))
        await index.activate("acme", "handbook", 1, OPEN)
        scores = [passage.score for passage in await index.search("acme", question("number7"))]
        assert scores == sorted(scores, reverse=True)

    async def test_passages_of_equal_rank_come_in_the_same_order_every_time(
        self, index: PassageIndex
    ) -> None:
        # The better a chunk fits by its words, the worse it fits by its meaning.
        opposed = [
            replace(
                chunk("holiday " * (number + 1) + "filler " * (20 - number), index=number),
                vector=[1.0, number / 20, *[0.0] * (DIMENSION - 2)],
            )
            for number in range(20)
        ]
        await index.add("acme", opposed)
        await index.activate("acme", "handbook", 1, OPEN)
        asked = replace(question("holiday"), vector=[1.0, *[0.0] * (DIMENSION - 1)])
        answers = [await index.search("acme", asked) for _ in range(10)]
        assert len(answers[0]) == 20
        assert all(answer == answers[0] for answer in answers)

    async def test_only_the_named_knowledge_bases_are_searched(self, index: PassageIndex) -> None:
        for name in ("hr", "sales", "legal"):
            await index.add("acme", chunks(2, document=name, knowledge_base=name))
            await index.activate("acme", name, 1, OPEN)
        found = await index.search("acme", question(knowledge_bases=["hr", "legal", "other"]))
        assert {passage.knowledge_base_id for passage in found} == {"hr", "legal"}
        assert len(found) == 4

    async def test_a_vector_of_another_dimension_is_refused(self, index: PassageIndex) -> None:
        with pytest.raises(ValueError, match=f"1 numbers, not {DIMENSION}"):
            await index.search("acme", replace(question(), vector=[1.0]))

    async def _three_topics(self, index: PassageIndex) -> None:
        await index.add(
            "acme",
            [
                chunk("employees get vacation", index=0),
                chunk("we send invoices monthly", index=1),
                chunk("doors lock at night", index=2, headings=["Sicherheit"]),
            ],
        )
        await index.activate("acme", "handbook", 1, OPEN)


CALLS: dict[str, Callable[[PassageIndex], Awaitable[object]]] = {
    "add": lambda index: index.add("", chunks(1)),
    "add nothing": lambda index: index.add("", []),
    "activate": lambda index: index.activate("", "handbook", 1, OPEN),
    "set_knowledge_base_readers": lambda index: index.set_knowledge_base_readers(
        "", "hr", Readers()
    ),
    "set_document_readers": lambda index: index.set_document_readers("", "handbook", Readers()),
    "remove_document": lambda index: index.remove_document("", "handbook"),
    "remove_version": lambda index: index.remove_version("", "handbook", 1),
    "search": lambda index: index.search("", question()),
    "count": lambda index: index.count(""),
}


class TestTenants:
    """Two tenants hold documents with the same names, ids and bytes."""

    async def _both(self, index: PassageIndex) -> None:
        for tenant in ("acme", "globex"):
            await index.add(tenant, chunks(3))
            await index.activate(tenant, "handbook", 1, OPEN)

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    async def test_there_is_no_call_without_a_tenant(
        self, index: PassageIndex, call: Callable[[PassageIndex], Awaitable[object]]
    ) -> None:
        with pytest.raises(ValueError, match="tenant"):
            await call(index)

    async def test_a_tenant_finds_its_own_chunks_only(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        await index.activate("acme", "handbook", 1, OPEN)
        assert await index.search("globex", question()) == []
        assert await index.count("globex") == 0

    async def test_the_same_ids_do_not_collide(self, index: PassageIndex) -> None:
        await self._both(index)
        for tenant in ("acme", "globex"):
            assert await index.count(tenant, "handbook", 1, active_only=True) == 3
            assert len(await index.search(tenant, question())) == 3

    async def test_the_knowledge_base_of_another_tenant_matches_nothing(
        self, index: PassageIndex
    ) -> None:
        await self._both(index)
        await index.add("acme", chunks(1, document="secret", knowledge_base="board"))
        await index.activate("acme", "secret", 1, OPEN)
        assert await index.search("globex", question(knowledge_bases=["board"])) == []

    async def test_activating_shows_nothing_of_another_tenant(self, index: PassageIndex) -> None:
        await index.add("acme", chunks(3))
        assert await index.activate("globex", "handbook", 1, OPEN) == 0
        assert await index.count("acme", active_only=True) == 0

    async def test_a_new_version_outdates_nothing_of_another_tenant(
        self, index: PassageIndex
    ) -> None:
        await self._both(index)
        await index.add("globex", chunks(1, version=2))
        await index.activate("globex", "handbook", 2, OPEN)
        assert versions(await index.search("acme", question())) == {1}

    async def test_removing_takes_nothing_from_another_tenant(self, index: PassageIndex) -> None:
        await self._both(index)
        await index.remove_version("globex", "handbook", 1)
        await index.remove_document("globex", "handbook")
        assert await index.count("acme", active_only=True) == 3
        assert await index.count("globex") == 0

    async def test_what_others_write_about_does_not_move_a_tenants_ranking(
        self, index: PassageIndex
    ) -> None:
        await index.add(
            "acme",
            [chunk("contract terms terms", index=0), chunk("holiday terms", index=1)],
        )
        await index.activate("acme", "handbook", 1, OPEN)
        asked = question("contract terms holiday", meaning="unrelated")
        before = await index.search("acme", asked)
        await index.add("globex", [chunk("contract", index=number) for number in range(50)])
        await index.activate("globex", "handbook", 1, OPEN)
        assert await index.search("acme", asked) == before


@settings(
    derandomize=True,
    max_examples=20,
    deadline=None,
    # One index serves all programs: each has tenants of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
async def test_random_programs_do_what_a_simple_model_says(
    index: PassageIndex, steps: list[Step]
) -> None:
    comparison = Comparison(index, run=secrets.token_hex(4))
    for step in steps:
        await comparison.take(step)
