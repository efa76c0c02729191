"""The way of a question: search, model, citations, audit trail."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import replace

import pytest

from clientsphere_common.answers import NO_ANSWER
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.request import Caller
from gateway.answering import DECLINED, Answering
from gateway.model.answers import Answer, Delta, Question, Usage
from gateway.prompt import PromptWriter
from gateway.searching import Searching
from tests.fakes.gateway_ports import (
    FakeAnswerModel,
    FakeJournal,
    FakePassageSearch,
    new_passage,
)

CALLER = Caller("tnt_a", "key_a", ("viewer",))
QUESTION = Question("How many days of leave do I get?", ("kb_1",))
AWAY = DependencyUnavailableError("service_unavailable", "Away.")


class World:
    """An `Answering` and everything around it; passages 1 and 2 are of two documents."""

    def __init__(self, *pieces: str) -> None:
        self.search = FakePassageSearch([new_passage(1), new_passage(2, "Tea is free.")])
        self.model = FakeAnswerModel(*pieces)
        self.journal = FakeJournal()
        self.answering = Answering(self.search, self.model, self.journal, PromptWriter(), 8)

    async def deltas(self) -> list[str]:
        parts = [part async for part in self.answering.ask(CALLER, QUESTION)]
        return [part.text for part in parts if isinstance(part, Delta)]

    async def answer(self) -> Answer:
        return await self.answering.answer(CALLER, QUESTION)


class TestAnAnswer:
    async def test_comes_piece_by_piece_and_then_whole(self) -> None:
        world = World("Leave is ", "25 days. ", "[1]")
        parts = [part async for part in world.answering.ask(CALLER, QUESTION)]
        assert parts[:3] == [Delta("Leave is "), Delta("25 days. "), Delta("[1]")]
        (answer,) = parts[3:]
        assert isinstance(answer, Answer)
        assert answer.answer == "Leave is 25 days. [1]"

    async def test_names_citations_model_and_usage(self) -> None:
        answer = await World("Leave is 25 days. [1]").answer()
        assert answer.answered
        assert [citation.document_id for citation in answer.citations] == ["doc_1"]
        assert (answer.groundedness, answer.model, answer.usage) == (1.0, "fake", Usage(10, 3))

    async def test_rests_on_as_many_passages_as_are_allowed(self) -> None:
        world = World("x")
        await world.answer()
        assert world.search.asked == [(QUESTION, 8)]

    async def test_is_written_by_a_model_that_was_told_the_passages(self) -> None:
        world = World("x")
        await world.answer()
        assert "Leave is 25 days." in world.model.instructions[0]

    async def test_that_does_not_end_is_broken_off(self) -> None:
        with pytest.raises(DependencyUnavailableError) as refused:
            await World(*["word " * 1000] * 7).answer()
        assert refused.value.code == "answer_too_long"


class TestDeclining:
    async def test_without_passages_no_model_is_asked(self) -> None:
        world = World("never said")
        world.search.passages = ()
        answer = await world.answer()
        assert (answer.answered, answer.answer, answer.citations) == (False, DECLINED, ())
        assert (answer.model, answer.usage) == ("", Usage())
        assert world.model.instructions == []

    async def test_when_the_model_says_that_it_declines(self) -> None:
        world = World()
        world.model.finish = replace(world.model.finish, declined=True)
        answer = await world.answer()
        assert (answer.answered, answer.answer, answer.model) == (False, DECLINED, "fake")

    @pytest.mark.parametrize(
        "pieces",
        [
            (NO_ANSWER,),
            ("NO_", "ANSWER"),
            (f" {NO_ANSWER}.\n",),
            ('"', NO_ANSWER, '"'),
            ("",),
            (" ",),
        ],
    )
    async def test_when_the_model_writes_the_word_for_it(self, pieces: tuple[str, ...]) -> None:
        assert not (await World(*pieces).answer()).answered

    async def test_the_word_is_never_shown(self) -> None:
        assert await World("NO_", "ANSWER").deltas() == [DECLINED]

    async def test_an_answer_that_only_begins_like_the_word_is_shown(self) -> None:
        assert await World("NO", " leave. [1]").deltas() == ["NO leave. [1]"]
        assert await World("NO").deltas() == ["NO"]


class TestTheAuditTrail:
    async def test_learns_what_was_returned_and_only_a_hash_of_the_question(self) -> None:
        world = World("Leave is 25 days. [1]")
        answer = await world.answer()
        ((caller, fact),) = world.journal.facts
        assert caller == CALLER
        assert (fact.action, fact.target_id, fact.outcome) == (
            "question.asked",
            answer.id,
            "succeeded",
        )
        assert fact.details == {
            "question_sha256": hashlib.sha256(QUESTION.text.encode()).hexdigest(),
            "documents": "doc_1,doc_2",
            "answered": "true",
            "model": "fake",
        }

    async def test_has_the_answer_before_its_reader_has(self) -> None:
        world = World("Leave is 25 days. [1]")
        world.journal.failure = AWAY
        parts = world.answering.ask(CALLER, QUESTION)
        assert isinstance(await anext(parts), Delta)
        with pytest.raises(DependencyUnavailableError):
            await anext(parts)

    @pytest.mark.parametrize("where", ["search", "model"])
    async def test_learns_of_failures(self, where: str) -> None:
        world = World("Leave")
        (world.search if where == "search" else world.model).failure = AWAY
        with pytest.raises(DependencyUnavailableError):
            await world.answer()
        ((_, fact),) = world.journal.facts
        assert fact.outcome == "failed"
        assert fact.details["documents"] == ("" if where == "search" else "doc_1,doc_2")

    async def test_learns_that_the_reader_left_and_the_model_is_stopped(self) -> None:
        world = World("Leave is ", "25 days.")
        world.model.waits = asyncio.Event()
        parts = world.answering.ask(CALLER, QUESTION)
        async with aclosing(parts):
            await anext(parts)
        await asyncio.wait_for(world.model.was_cancelled.wait(), 5)
        assert [fact.outcome for _, fact in world.journal.facts] == ["failed"]

    async def test_learns_that_a_waiting_reader_was_cancelled(self) -> None:
        world = World("Leave is ", "25 days.")
        world.model.waits = asyncio.Event()
        asking = asyncio.create_task(world.answer())
        while not world.model.instructions:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert world.model.was_cancelled.is_set()
        assert [fact.outcome for _, fact in world.journal.facts] == ["failed"]


class TestSearching:
    async def test_returns_the_passages_and_records_their_documents(self) -> None:
        search, journal = FakePassageSearch([new_passage(1), new_passage(2)]), FakeJournal()
        found = await Searching(search, journal).search(CALLER, QUESTION, top_k=1)
        assert [passage.rank for passage in found] == [1]
        assert [one["documents"] for one in journal.details("passages.searched")] == ["doc_1"]
