"""What stays of a text when the invisible is gone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parsing.cleaning import clean_code, clean_text


class TestCleanText:
    @pytest.mark.parametrize(
        ("raw", "cleaned"),
        [
            ("  two\t words\xa0here \n\n\n next\u2028line ", "two words here\nnext\nline"),
            ("a\x00b\x07c\x7f", "abc"),
            ("ig\u200bno\u200dre\ufeff", "ignore"),
            ("soft\xadhyphen", "softhyphen"),
            ("a\u202eb\u2066c", "abc"),
            ("hi\U000e0041\U000e0042", "hi"),
            ("x\U000e0100\ufe0f", "x"),
            ("lone\ud800 surrogate", "lone surrogate"),
            ("e\u0301", "\xe9"),
            ("\uf0b7 item", "\u2022 item"),
            ("plain", "plain"),
            ("\u200b\n ", ""),
        ],
    )
    def test_leaves_what_a_reader_sees(self, raw: str, cleaned: str) -> None:
        assert clean_text(raw) == cleaned

    @given(st.text())
    def test_cleaning_twice_changes_nothing(self, raw: str) -> None:
        assert clean_text(clean_text(raw)) == clean_text(raw)

    def test_long_white_space_takes_linear_time(self) -> None:
        started = time.perf_counter()
        assert clean_text(" " * 500_000 + "x" + " \n" * 250_000 + "y") == "x\ny"
        assert time.perf_counter() - started < 5


class TestCleanCode:
    def test_keeps_indentation_and_blank_lines_inside(self) -> None:
        assert clean_code("\n    def f():\n\n\t\treturn 1  \n\n") == "def f():\n\n    return 1"

    def test_drops_the_invisible_too(self) -> None:
        assert clean_code("a\u200b = 1") == "a = 1"
