"""Where a sentence ends, and where a full stop only looks like an end."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


class TestSplitSentences:
    @pytest.mark.parametrize("nothing", ["", " ", "\n\n\t\n"])
    def test_blank_text_has_none(self, nothing: str) -> None:
        assert split_sentences(nothing) == []

    def test_spans_count_characters_and_leave_white_space_out(self) -> None:
        assert split_sentences("  One.  Two!\n\nThree") == [(2, 6), (8, 12), (14, 19)]

    def test_question_exclamation_and_ellipsis_end_a_sentence(self) -> None:
        assert sentences("Really? Yes! Well... Fine\u2026 Good.") == [
            "Really?",
            "Yes!",
            "Well...",
            "Fine\u2026",
            "Good.",
        ]

    def test_closing_quotes_and_brackets_belong_to_their_sentence(self) -> None:
        assert sentences('He said "Stop." (It was late.) Nobody moved.') == [
            'He said "Stop."',
            "(It was late.)",
            "Nobody moved.",
        ]

    @pytest.mark.parametrize(
        "sentence",
        [
            "Sales grew 3.5 percent to $1.2 billion in 2018.",
            "See No. 5 and Fig. 3 for the details.",
            "As agreed in Art. IV of the contract, nothing changes.",
            "Some items, e.g. Laptops, i.e. Company Property, stay here.",
            "Dr. Smith and Mr. J. R. Jones met Mrs. Brown.",
            "The U.S. Government asked Apple Inc. Counsel for advice.",
            "Meet at 5 p.m. Eastern time on Feb. 3 in St. Paul.",
            "Visit https://example.com/a.b?c=d. or write to a.b@example.com today.",
            "What is this? asked nobody.",
            "Am 3. Oktober 2024 gilt z.B. Regel 4.",
            "Nike, Inc. and its subsidiaries vs. Adidas.",
            "1. Open the door.",
            "2.1. Scope of this policy",
            "Item 7A. Quantitative and qualitative disclosures",
            "b. Second point",
            "iv. Fourth point",
            "Contents ........................ 12",
        ],
    )
    def test_is_not_cut_inside(self, sentence: str) -> None:
        assert sentences(sentence) == [sentence]

    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("We bought Apple Inc. The price was high.", "We bought Apple Inc."),
            ("It ends at 5 p.m. Then we go.", "It ends at 5 p.m."),
            ("They moved to the U.S. In 2018 they left.", "They moved to the U.S."),
            ("It was him and I. The rest left.", "It was him and I."),
            ("The answer is no. Nobody may.", "The answer is no."),
            ("Revenue fell in 2018. Revenue rose later.", "Revenue fell in 2018."),
            ("It has pens, paper, etc. All of it is free.", "It has pens, paper, etc."),
            ('It is over. "Good," he said.', "It is over."),
            ("The list ends. 5 people left.", "The list ends."),
            ("Ask for it. (\u00a74) says so.", "Ask for it."),
        ],
    )
    def test_is_cut_after_the_first(self, text: str, first: str) -> None:
        assert sentences(text)[0] == first
        assert len(sentences(text)) == 2

    def test_a_line_break_always_ends_a_sentence(self) -> None:
        assert sentences("Annual leave\nFull-time staff\r\nget 25 days") == [
            "Annual leave",
            "Full-time staff",
            "get 25 days",
        ]

    def test_full_width_stops_need_no_space(self) -> None:
        assert sentences(
            "\u4eca\u65e5\u306f\u3002\u300c\u306f\u3044\uff01\u300d\u7d42\u308f\u308a"
        ) == [
            "\u4eca\u65e5\u306f\u3002",
            "\u300c\u306f\u3044\uff01\u300d",
            "\u7d42\u308f\u308a",
        ]

    @pytest.mark.parametrize("unit", [".", "a.", ". ", '."', "!?) ", "a. B", "\u3002", "1. A\n"])
    def test_time_grows_with_length_only(self, unit: str) -> None:
        text = unit * (200_000 // len(unit)) + "x"
        started = time.perf_counter()
        split_sentences(text)
        assert time.perf_counter() - started < 5

    @given(
        st.text(alphabet=st.sampled_from('abN. !?"()\n\t5\u3002\u2019\xa0'))
        | st.text(alphabet=st.characters(codec="utf-8"))
    )
    def test_covers_every_visible_character_once_in_order(self, text: str) -> None:
        spans = split_sentences(text)
        covered = "".join(text[start:end] for start, end in spans)
        assert "".join(covered.split()) == "".join(text.split())
        assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
