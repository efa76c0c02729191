"""Words that say something."""

from __future__ import annotations

import pytest

from llm_proxy.extraction.words import same_at_work, stem, telling_words


class TestTellingWords:
    def test_leave_out_what_every_sentence_has(self) -> None:
        assert telling_words("What is the notice period of the company?") == [
            "notice",
            "period",
            "company",
        ]

    def test_keep_numbers_whole(self) -> None:
        assert telling_words("4.2, 1,000 at 10:30.") == ["4.2", "1,000", "10:30"]

    def test_keep_letters_of_any_language(self) -> None:
        assert telling_words("Überstunden?") == ["überstunden"]


class TestStem:
    @pytest.mark.parametrize(
        ("word", "other"), [("employees", "employee"), ("carried", "carry"), ("expires", "expire")]
    )
    def test_is_shared_by_inflections(self, word: str, other: str) -> None:
        assert stem(word) == stem(other)


class TestSameAtWork:
    def test_knows_words_that_stand_for_one_another(self) -> None:
        assert stem("leave") in same_at_work(stem("vacation"))

    def test_of_any_other_word_is_the_word_alone(self) -> None:
        assert same_at_work("zebra") == {"zebra"}
