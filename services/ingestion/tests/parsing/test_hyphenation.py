"""Words cut at line ends, put together as the rest of the document writes them."""

from __future__ import annotations

import pytest

from ingestion.parsing.hyphenation import Dehyphenator

DOCUMENT = [
    *("All information about long-term leave", "at a cost that is effective"),
    *("more infor-", "mation here", "a cost-", "effective way", "some unknow-", "able word"),
]


class TestDehyphenator:
    @pytest.mark.parametrize(
        ("left", "right", "joined"),
        [
            ("more infor-", "mation here", "more information here"),
            ("more infor\xad", "mation", "more information"),
            ("more infor\ufffe", "mation", "more information"),
            ("the long-", "term plan", "the long-term plan"),
            ("a cost-", "effective way", "a cost-effective way"),
            ("some unknow-", "able word", "some unknowable word"),
            ("Regulation S-", "T applies", "Regulation S-T applies"),
            ("on Form 10-", "K today", "on Form 10-K today"),
            ("a range of -", "0.5 to 1", "a range of -0.5 to 1"),
            ("then\u2014", "nothing", "then\u2014nothing"),
            ("two whole", "words", "two whole words"),
        ],
    )
    def test_joins_two_lines(self, left: str, right: str, joined: str) -> None:
        assert Dehyphenator(DOCUMENT).join(left, right) == joined

    def test_reads_the_document_once_for_all_its_words(self) -> None:
        dehyphenator = Dehyphenator(iter(DOCUMENT))
        assert dehyphenator.join("long-", "term") == dehyphenator.join("long-", "term")
