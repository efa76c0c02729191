"""Answers by quoting, over the real word vectors and a small company's documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.extraction.answerer import ExtractionRules, ExtractiveAnswerer
from llm_proxy.model import (
    CompletionRequest,
    Finish,
    FinishReason,
    GroundingPassage,
    Message,
    Usage,
)
from tests.harness.modules import running

RULES = ExtractionRules(min_support=0.5, further_share=0.85, max_sentences=3)
LEAVE = GroundingPassage(
    1,
    ("Employee handbook", "Annual leave"),
    "Every full-time employee receives 28 days of paid leave per calendar year. Up to five unused"
    " days may be carried over into the next year; they expire on 31 March.",
)
TERMINATION = GroundingPassage(
    2,
    ("Employee handbook", "Termination"),
    "During probation the notice period is two weeks. After probation it is three months.",
)
PRICES = GroundingPassage(
    3,
    ("Price list",),
    "Plan | Price per month | Seats\nStarter | 49 EUR | 5\nTeam | 199 EUR | 25\n"
    "All prices exclude VAT.",
)
FAQ = GroundingPassage(
    4,
    ("FAQ",),
    "Where is my data stored? In two data centres in Frankfurt. They are 30 km apart.",
)
EQUIPMENT = GroundingPassage(
    5, ("Equipment",), "New employees receive this equipment:\nA laptop\nA headset\nA badge"
)
DOCUMENTS = (LEAVE, TERMINATION, PRICES, FAQ, EQUIPMENT)


@pytest.fixture
async def answerer() -> AsyncIterator[ExtractiveAnswerer]:
    model = WordllamaModel()
    async with running(model):
        yield ExtractiveAnswerer(model, RULES)


def quoted(
    answerer: ExtractiveAnswerer,
    question: str,
    passages: tuple[GroundingPassage, ...] = DOCUMENTS,
) -> list[str]:
    return [str(quote) for quote in answerer.quote(question, passages)]


class TestQuote:
    def test_is_the_sentence_word_for_word_with_the_number_of_its_passage(
        self, answerer: ExtractiveAnswerer
    ) -> None:
        assert quoted(answerer, "How much annual leave do employees receive?")[0] == (
            "Every full-time employee receives 28 days of paid leave per calendar year. [1]"
        )

    def test_is_found_in_other_words_too(self, answerer: ExtractiveAnswerer) -> None:
        sentences = quoted(answerer, "Can I carry over vacation days?")
        assert any("carried over" in sentence for sentence in sentences)

    def test_is_the_row_of_the_table_that_was_asked_for(self, answerer: ExtractiveAnswerer) -> None:
        assert quoted(answerer, "What does the Team plan cost?") == ["Team | 199 EUR | 25 [3]"]

    def test_is_the_answer_of_the_faq_not_its_question(self, answerer: ExtractiveAnswerer) -> None:
        first = quoted(answerer, "Where is my data stored?")[0]
        assert first == "In two data centres in Frankfurt. [4]"

    def test_brings_the_sentence_that_it_refers_to(self, answerer: ExtractiveAnswerer) -> None:
        sentences = quoted(answerer, "How many km apart?", (FAQ,))
        assert sentences == [
            "In two data centres in Frankfurt. [4]",
            "They are 30 km apart. [4]",
        ]

    def test_brings_the_list_that_it_announces(self, answerer: ExtractiveAnswerer) -> None:
        assert quoted(answerer, "Which equipment do new employees receive?") == [
            "New employees receive this equipment: [5]",
            "A laptop [5]",
            "A headset [5]",
        ]

    def test_sentences_of_one_passage_stand_in_reading_order(
        self, answerer: ExtractiveAnswerer
    ) -> None:
        assert quoted(answerer, "What is the notice period after probation?") == [
            "During probation the notice period is two weeks. [2]",
            "After probation it is three months. [2]",
        ]

    def test_stands_only_once_where_passages_overlap(self, answerer: ExtractiveAnswerer) -> None:
        overlapping = replace(LEAVE, number=9)
        sentences = quoted(answerer, "How much annual leave is there?", (LEAVE, overlapping))
        assert sentences[0].endswith("calendar year. [1]")
        assert not any(sentence.endswith("[9]") for sentence in sentences)

    def test_has_at_most_three_sentences(self, answerer: ExtractiveAnswerer) -> None:
        rules = [f"The fee for hall {letter} is due on arrival." for letter in "ABCDE"]
        passage = GroundingPassage(1, (), " ".join(rules))
        assert len(quoted(answerer, "When is the fee for a hall due?", (passage,))) == 3

    def test_of_the_same_request_is_the_same(self, answerer: ExtractiveAnswerer) -> None:
        question = "What is the notice period?"
        assert quoted(answerer, question) == quoted(answerer, question)


class TestDeclines:
    @pytest.mark.parametrize(
        "question",
        [
            "Who won the world cup in 1998?",
            "What is the dress code?",
            "May I bring my dog to the office?",
            "Does the company offer a pension plan?",
            "?",
        ],
    )
    def test_what_the_passages_do_not_say(
        self, answerer: ExtractiveAnswerer, question: str
    ) -> None:
        assert quoted(answerer, question) == []

    def test_without_passages(self, answerer: ExtractiveAnswerer) -> None:
        assert quoted(answerer, "What is the notice period?", ()) == []


class TestStream:
    REQUEST = CompletionRequest(
        (Message("user", "What is the notice period after probation?"),), DOCUMENTS
    )

    async def test_gives_a_piece_per_quote_then_the_finish(
        self, answerer: ExtractiveAnswerer
    ) -> None:
        parts = [part async for part in answerer.stream(self.REQUEST)]
        assert "".join(map(str, parts[:-1])) == (
            "During probation the notice period is two weeks. [2]"
            " After probation it is three months. [2]"
        )
        finish = parts[-1]
        assert isinstance(finish, Finish)
        assert finish.reason is FinishReason.STOP
        assert finish.model == "extractive"

    async def test_counts_words_read_and_quoted(self, answerer: ExtractiveAnswerer) -> None:
        request = CompletionRequest(
            (Message("user", "Notice period?"),),
            (GroundingPassage(1, (), "The notice period is long."),),
        )
        *_, finish = [part async for part in answerer.stream(request)]
        assert finish == Finish(FinishReason.STOP, "extractive", Usage(7, 6))

    async def test_of_a_declined_question_is_only_the_finish(
        self, answerer: ExtractiveAnswerer
    ) -> None:
        request = replace(self.REQUEST, messages=(Message("user", "What is the dress code?"),))
        (finish,) = [part async for part in answerer.stream(request)]
        assert isinstance(finish, Finish)
        assert finish.reason is FinishReason.DECLINED

    @pytest.mark.parametrize(("limit", "n_quotes"), [(10, 1), (3, 0)])
    async def test_stops_before_the_quote_that_would_exceed_the_limit(
        self, answerer: ExtractiveAnswerer, limit: int, n_quotes: int
    ) -> None:
        request = replace(self.REQUEST, max_output_tokens=limit)
        *quotes, finish = [part async for part in answerer.stream(request)]
        assert len(quotes) == n_quotes
        assert isinstance(finish, Finish)
        assert finish.reason is FinishReason.LENGTH

    async def test_within_the_limit_is_whole(self, answerer: ExtractiveAnswerer) -> None:
        *quotes, finish = [
            part async for part in answerer.stream(replace(self.REQUEST, max_output_tokens=100))
        ]
        assert len(quotes) == 2
        assert isinstance(finish, Finish)
        assert finish.reason is FinishReason.STOP
