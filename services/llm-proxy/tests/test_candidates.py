"""What can be quoted from a passage, and what it leans on."""

from __future__ import annotations

from llm_proxy.extraction.candidates import Candidate, cut_passages
from llm_proxy.model import GroundingPassage


def cut(text: str, *heading_path: str) -> list[Candidate]:
    return cut_passages([GroundingPassage(1, heading_path, text)])


def texts(candidates: list[Candidate]) -> list[str]:
    return [candidate.text for candidate in candidates]


class TestSentences:
    def test_are_cut_word_for_word_in_reading_order(self) -> None:
        assert texts(cut("Leave is 28 days. It is paid.")) == ["Leave is 28 days.", "It is paid."]

    def test_know_the_headings_above_and_the_sentence_before(self) -> None:
        first, second = cut("Leave is 28 days. It is paid.", "Handbook", "Annual leave")
        assert "Handbook Annual leave" in first.title
        assert first.previous == ""
        assert second.previous == "Leave is 28 days."

    def test_know_the_rank_of_their_passage(self) -> None:
        passages = [GroundingPassage(7, (), "One. Two."), GroundingPassage(9, (), "Three.")]
        ranks = [(one.passage_rank, one.position) for one in cut_passages(passages)]
        assert ranks == [(0, 0), (0, 1), (1, 0)]

    def test_refer_back_when_they_begin_with_a_pronoun(self) -> None:
        first, second = cut("It is paid. It is 28 days.")
        assert not first.refers_back
        assert second.refers_back

    def test_lead_on_when_they_end_with_a_colon(self) -> None:
        first, second = cut("You receive:\nA laptop.")
        assert first.leads_on
        assert not second.leads_on


class TestTitles:
    def test_question_is_the_title_of_its_answer(self) -> None:
        (answer,) = cut("Where is my data stored? In Frankfurt.")
        assert answer.text == "In Frankfurt."
        assert "Where is my data stored?" in answer.title

    def test_short_line_before_a_sentence_is_its_heading(self) -> None:
        (sentence,) = cut("Annual leave\nEvery employee receives 28 days.")
        assert "Annual leave" in sentence.title

    def test_items_of_a_list_are_no_headings(self) -> None:
        assert texts(cut("You receive:\nA laptop\nA phone")) == [
            "You receive:",
            "A laptop",
            "A phone",
        ]

    def test_line_with_a_number_is_no_heading(self) -> None:
        assert texts(cut("Leave 28 days\nIt is paid.")) == ["Leave 28 days", "It is paid."]


class TestTables:
    TABLE = "Plan | Price\nTeam | 199 EUR. Monthly.\nStarter | 49 EUR\nAll prices exclude VAT."

    def test_rows_are_quoted_whole_and_the_header_is_their_title(self) -> None:
        team, starter, _ = cut(self.TABLE)
        assert team.text == "Team | 199 EUR. Monthly."
        assert "Plan | Price" in team.title
        assert "Plan | Price" in starter.title

    def test_rows_do_not_lean_on_each_other(self) -> None:
        team, starter, _ = cut(self.TABLE)
        assert team.is_row
        assert starter.previous == ""

    def test_header_has_nothing_to_say_about_the_text_below(self) -> None:
        after = cut(self.TABLE)[-1]
        assert "Plan | Price" not in after.title
        assert after.previous == ""
