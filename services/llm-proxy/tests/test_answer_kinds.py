"""What a question asks for, and whether a sentence has it."""

from __future__ import annotations

import pytest

from llm_proxy.extraction.answer_kinds import AnswerKind, asked_kind, offers


class TestAskedKind:
    @pytest.mark.parametrize(
        ("question", "kind"),
        [
            ("How many days of leave do I get?", AnswerKind.NUMBER),
            ("What does the Team plan cost?", AnswerKind.NUMBER),
            ("What is the price of a seat?", AnswerKind.NUMBER),
            ("When are invoices due?", AnswerKind.DATE),
            ("In which year was it founded?", AnswerKind.DATE),
            ("Who approves travel?", AnswerKind.NAME),
            ("Where is my data stored?", AnswerKind.NAME),
            ("Why was the export slow?", AnswerKind.ANY),
        ],
    )
    def test_follows_from_the_words_of_the_question(self, question: str, kind: AnswerKind) -> None:
        assert asked_kind(question) is kind


class TestOffers:
    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            (AnswerKind.NUMBER, "Employees get 28 days."),
            (AnswerKind.NUMBER, "It takes three weeks."),
            (AnswerKind.DATE, "Unused days expire on 31 March."),
            (AnswerKind.DATE, "Invoices are due within two weeks."),
            (AnswerKind.NAME, "It is kept in Frankfurt."),
            (AnswerKind.ANY, "Because it was slow."),
        ],
    )
    def test_finds_a_thing_of_the_kind(self, kind: AnswerKind, sentence: str) -> None:
        assert offers(kind, sentence, "")

    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            (AnswerKind.NUMBER, "Leave is paid."),
            (AnswerKind.DATE, "Leave is paid."),
            (AnswerKind.NAME, "The data stays where it is."),
        ],
    )
    def test_misses_it_where_there_is_none(self, kind: AnswerKind, sentence: str) -> None:
        assert not offers(kind, sentence, "")

    def test_does_not_count_what_the_question_has_said(self) -> None:
        question = "How many features does version 4.2 have?"
        assert not offers(AnswerKind.NUMBER, "Version 4.2 has features.", question)
