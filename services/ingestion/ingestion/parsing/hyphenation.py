"""Undoes hyphenation at line ends, with the document itself as the dictionary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_HYPHENS = ("-", "\u2010", "\xad", "\ufffe")  # the last is what pdfium puts at a line end
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_PART = re.compile(r"[^\W\d_]+\Z")
_FIRST_PART = re.compile(r"[^\W\d_]+")


class Dehyphenator:
    """Joins the parts of a word as the rest of the document writes it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self._counts: Counter[str] | None = None

    def join(self, left: str, right: str) -> str:
        """Two lines of one paragraph as one."""
        if not left.endswith(_HYPHENS):
            return left + right if left.endswith("\u2014") else f"{left} {right}"
        last, first = _LAST_PART.search(left[:-1]), _FIRST_PART.match(right)
        if not (last and first):
            return f"{left[:-1]}-{right}"
        joined = self._join_parts(last.group(), first.group())
        return left[: last.start()] + joined + right[first.end() :]

    def _join_parts(self, left: str, right: str) -> str:
        joined, hyphenated = left + right, f"{left}-{right}"
        counts = self._word_counts()
        if joined.lower() in counts:
            return joined
        # The parts stand at this very line end, so once proves nothing.
        are_words = counts[left.lower()] > 1 and counts[right.lower()] > 1
        if hyphenated.lower() in counts or are_words:
            return hyphenated
        return joined if left.islower() and right.islower() else hyphenated

    def _word_counts(self) -> Counter[str]:
        if self._counts is None:
            words = (word.lower() for text in self._texts for word in _WORD.findall(text))
            self._counts = Counter(words)
        return self._counts
