"""How well sentences support an answer, weighed with the real word vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.extraction.candidates import cut_passages
from llm_proxy.extraction.support import Supported, weigh_support
from llm_proxy.model import GroundingPassage
from tests.harness.modules import running

Weigh = Callable[..., list[Supported]]


@pytest.fixture
async def weigh() -> AsyncIterator[Weigh]:
    """(question, *texts, headings) -> the sentences of the texts, best first."""
    model = WordllamaModel()

    def weigh_texts(question: str, *texts: str, headings: tuple[str, ...] = ()) -> list[Supported]:
        passages = [GroundingPassage(n, headings, text) for n, text in enumerate(texts, start=1)]
        return weigh_support(question, cut_passages(passages), model)

    async with running(model):
        yield weigh_texts


def support_of(supported: list[Supported], start: str) -> float:
    return next(one.support for one in supported if one.candidate.text.startswith(start))


class TestSupport:
    def test_is_whole_when_everything_asked_is_said(self, weigh: Weigh) -> None:
        (one,) = weigh("What is the notice period?", "The notice period is three months.")
        assert one.support == pytest.approx(1)

    def test_is_next_to_nothing_when_nothing_asked_is_said(self, weigh: Weigh) -> None:
        (one,) = weigh("Who won the cup?", "The notice period is three months.")
        assert one.support < 0.1

    def test_counts_related_words_a_little(self, weigh: Weigh) -> None:
        question = "Which laptop is best?"
        related, unrelated = weigh(question, "Computers are grey.", "Bananas are yellow.")
        assert related.candidate.text == "Computers are grey."
        assert unrelated.support < related.support < 0.6

    def test_counts_words_used_for_one_another_at_work(self, weigh: Weigh) -> None:
        (one,) = weigh("How much vacation?", "Employees receive 28 days of leave.")
        assert one.support > 0.8

    def test_does_not_take_one_number_for_another(self, weigh: Weigh) -> None:
        (one,) = weigh("2015?", "Sales rose in 2016.")
        assert one.support == 0

    def test_counts_the_headings(self, weigh: Weigh) -> None:
        question, text = "How long is parental leave?", "Both parents may take 16 weeks."
        (bare,) = weigh(question, text)
        (headed,) = weigh(question, text, headings=("Handbook", "Parental leave"))
        assert headed.support > bare.support + 0.2

    def test_counts_the_sentence_before_more_than_the_rest_of_the_passage(
        self, weigh: Weigh
    ) -> None:
        text = "Probation is regulated. It takes six months. Coffee costs nothing."
        ranked = weigh("How long is probation?", text)
        assert support_of(ranked, "It takes") > support_of(ranked, "Coffee") > 0

    def test_of_a_row_owes_nothing_to_the_other_rows(self, weigh: Weigh) -> None:
        ranked = weigh("What does Enterprise include?", "Plan | Seats\nTeam | 25\nEnterprise | 99")
        assert support_of(ranked, "Enterprise") > 0.4
        assert support_of(ranked, "Team") < 0.2


class TestOrder:
    def test_prefers_the_kind_of_thing_that_was_asked_for(self, weigh: Weigh) -> None:
        ranked = weigh("How many seats does the plan have?", "The plan has seats. Its seats: five.")
        assert ranked[0].candidate.text == "Its seats: five."

    def test_prefers_the_better_passage_among_equals(self, weigh: Weigh) -> None:
        ranked = weigh("What is the fee?", "The fee is 5 EUR.", "The fee is 9 EUR.")
        assert [one.candidate.text for one in ranked] == ["The fee is 5 EUR.", "The fee is 9 EUR."]


class TestNothingToWeigh:
    def test_sentence_that_repeats_the_question_says_nothing_new(self, weigh: Weigh) -> None:
        assert weigh("What is annual leave?", "Annual leave.") == []

    def test_question_without_a_telling_word_has_no_support(self, weigh: Weigh) -> None:
        assert weigh("What is it?", "The notice period is three months.") == []

    def test_no_passages_give_no_support(self, weigh: Weigh) -> None:
        assert weigh("What is the notice period?") == []
