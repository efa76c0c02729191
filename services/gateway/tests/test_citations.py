"""What an answer cites is what its sentences rest on, whatever the model wrote."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.citations import CitedText, cite
from gateway.model.answers import Passage
from tests.fakes.gateway_ports import new_passage

LEAVE = new_passage(
    1,
    "Annual leave\nFull-time employees get 25 days of paid annual leave. "
    "Part-time employees get a share of it. Unused days expire in March.",
)
TEA = new_passage(2, "Tea and coffee are free on every floor. The canteen opens at noon.")
PASSAGES = [LEAVE, TEA]


def quotes(cited: CitedText) -> list[tuple[int, str]]:
    return [(citation.number, citation.quote) for citation in cited.citations]


class TestMarkersThatAreRight:
    def test_stay_and_get_the_sentence_that_they_mean(self) -> None:
        answer = "Full-time employees get 25 days of paid annual leave. [1]"
        cited = cite(answer, PASSAGES)
        assert cited.text == answer
        assert quotes(cited) == [(1, "Full-time employees get 25 days of paid annual leave.")]
        assert cited.groundedness == 1.0

    def test_quote_the_document_word_for_word_at_its_own_place(self) -> None:
        (citation,) = cite("The canteen opens at noon [2].", PASSAGES).citations
        local = citation.start - TEA.start
        assert TEA.text[local : local + len(citation.quote)] == citation.quote
        assert citation.end - citation.start == len(citation.quote)
        assert (citation.document_id, citation.page, citation.heading_path) == (
            TEA.document_id,
            7,
            ("Time off",),
        )

    def test_may_stand_before_the_full_stop(self) -> None:
        cited = cite("The canteen opens at noon [2]. Unused days expire in March [1].", PASSAGES)
        assert [number for number, _ in quotes(cited)] == [2, 1]
        assert cited.groundedness == 1.0
        assert cited.text == "The canteen opens at noon [2]. Unused days expire in March [1]."

    @pytest.mark.parametrize("markers", ["[1][2]", "[1] [2]", "[1, 2]", "[1,2]"])
    def test_may_be_several_for_one_sentence(self, markers: str) -> None:
        cited = cite(f"Unused days expire in March and tea and coffee are free {markers}", PASSAGES)
        assert {number for number, _ in quotes(cited)} == {1, 2}
        assert cited.groundedness == 1.0
        assert cited.text.endswith("[1] [2]")

    def test_two_sentences_of_one_passage_are_quoted_apart(self) -> None:
        cited = cite(
            "Unused days expire in March. [1] Part-time employees get a share [1].", PASSAGES
        )
        assert quotes(cited) == [
            (1, "Unused days expire in March."),
            (1, "Part-time employees get a share of it."),
        ]

    def test_the_same_quote_is_listed_once(self) -> None:
        cited = cite("The canteen opens at noon. [2] Noon is when the canteen opens. [2]", PASSAGES)
        assert len(cited.citations) == 1

    def test_a_claim_over_two_sentences_of_the_passage_quotes_both(self) -> None:
        cited = cite("Coffee is free on every floor and the canteen opens at noon. [2]", PASSAGES)
        assert quotes(cited) == [(2, TEA.text)]


class TestMarkersThatAreWrong:
    @pytest.mark.parametrize("marker", ["[9]", "[0]", "[99999999999999999999]", "[3, 9]"])
    def test_are_dropped_when_there_is_no_such_passage(self, marker: str) -> None:
        cited = cite(f"Nothing of this is known here {marker}.", PASSAGES)
        assert cited.text == "Nothing of this is known here."
        assert cited.citations == ()

    def test_are_replaced_by_the_passage_that_says_it(self) -> None:
        cited = cite("The canteen opens at noon. [1]", PASSAGES)
        assert cited.text == "The canteen opens at noon. [2]"
        assert [number for number, _ in quotes(cited)] == [2]

    def test_are_dropped_when_their_passage_says_nothing_of_it(self) -> None:
        cited = cite("Elephants live in Africa. [1]", PASSAGES)
        assert (cited.text, cited.citations) == ("Elephants live in Africa.", ())
        assert cited.groundedness == 0.0


class TestMarkersThatAreMissing:
    def test_are_written_where_a_passage_supports_the_sentence(self) -> None:
        cited = cite("The canteen opens at noon. Unused days expire in March.", PASSAGES)
        assert cited.text == "The canteen opens at noon. [2] Unused days expire in March. [1]"
        assert cited.groundedness == 1.0

    def test_are_not_invented_for_what_no_passage_says(self) -> None:
        cited = cite("Elephants live in Africa.", PASSAGES)
        assert (cited.text, cited.citations, cited.groundedness) == (
            "Elephants live in Africa.",
            (),
            0.0,
        )

    def test_are_not_written_after_a_mere_yes(self) -> None:
        cited = cite("Yes. The canteen opens at noon. [2]", PASSAGES)
        assert cited.text == "Yes. The canteen opens at noon. [2]"
        assert cited.groundedness == 1.0


class TestGroundedness:
    def test_is_the_share_of_supported_sentences(self) -> None:
        answer = "The canteen opens at noon. [2] Elephants live in Africa. Tea is free. [2]"
        assert cite(answer, PASSAGES).groundedness == pytest.approx(2 / 3)

    def test_a_wrong_number_is_not_supported_by_the_right_words(self) -> None:
        cited = cite("Full-time employees get 28 days of paid annual leave. [1]", PASSAGES)
        assert cited.groundedness == 0.0
        assert [number for number, _ in quotes(cited)] == [1]

    def test_other_words_around_the_same_facts_are_supported(self) -> None:
        cited = cite("Employees who work full-time get 25 days of annual leave. [1]", PASSAGES)
        assert cited.groundedness == 1.0

    def test_of_nothing_is_nothing(self) -> None:
        assert cite("", PASSAGES) == CitedText("", (), 0.0)
        assert cite("[1]", PASSAGES) == CitedText("", (), 0.0)
        assert cite("Some words here.", []) == CitedText("Some words here.", (), 0.0)


class TestAnyAnswer:
    @given(
        answer=st.text(alphabet="ab cd12.,[]\n?!\u3002", max_size=120),
        texts=st.lists(st.text(alphabet="ab cd12.\n", max_size=80), max_size=3),
    )
    def test_is_cited_with_words_that_are_there(self, answer: str, texts: list[str]) -> None:
        passages = [new_passage(rank, text) for rank, text in enumerate(texts, start=1)]
        cited = cite(answer, passages)
        assert 0.0 <= cited.groundedness <= 1.0
        for citation in cited.citations:
            passage = passages[citation.number - 1]
            start, end = citation.start - passage.start, citation.end - passage.start
            assert passage.text[start:end] == citation.quote != ""
            assert f"[{citation.number}]" in cited.text

    def test_is_cited_in_time_even_when_it_is_huge(self) -> None:
        long = new_passage(1, "A word of it stands here. " * 400)
        started = time.perf_counter()
        cite("A word of it stands here [1]. " * 50 + "[1] " * 10_000, [long])
        cite("[1" + " " * 100_000 + "[1," + "\n" * 100_000 + "1 ", [long])
        assert time.perf_counter() - started < 5

    def test_languages_without_spaces_are_compared_by_character(self) -> None:
        passage = Passage(
            1, "d", "n", "k", None, (), 0, 20, "年次休暇は二十五日です。食堂は正午に開きます。"
        )
        cited = cite("食堂は正午に開きます。[1]", [passage])
        assert quotes(cited) == [(1, "食堂は正午に開きます。")]
        assert cited.groundedness == 1.0
