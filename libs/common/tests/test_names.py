"""Names that people give."""

from __future__ import annotations

import pytest

from clientsphere_common.names import is_name


class TestIsName:
    @pytest.mark.parametrize(
        "text",
        [
            "handbooks",
            "Straße 5, Überblick",
            "\N{FAMILY}",
            "\U0001f468\N{ZERO WIDTH JOINER}\U0001f469",
            "\u0646\u0627\u0645\u0647\N{ZERO WIDTH NON-JOINER}\u0647\u0627",
            "\U0001fae8",  # newer than the Unicode tables of Python 3.11
            ".",
        ],
    )
    def test_takes_what_people_write(self, text: str) -> None:
        assert is_name(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "a\x00b",
            "a\nb",
            "a\x7fb",
            "a\x85b",
            "a\N{LINE SEPARATOR}b",
            "gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe",
            "a\N{POP DIRECTIONAL ISOLATE}b",
            "\N{ZERO WIDTH NO-BREAK SPACE}a",
            "a\ud800",
        ],
    )
    def test_takes_nothing_that_hides_breaks_lines_or_turns_them(self, text: str) -> None:
        assert not is_name(text)
