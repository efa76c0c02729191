"""Joins the printed lines of a PDF page into paragraphs, so that quoted sentences are whole."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

from ingestion.parsing.hyphenation import Dehyphenator
from ingestion.parsing.pdf_glyphs import Line

_BULLET = re.compile(r"[\u2022\u25cf\u25aa\u25a0\u25e6\u2023\uf0b7\uf0a7]|[\xb7*\u2013-]\s")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s", re.IGNORECASE)
_CLOSERS = "\"'\u2019\u201d)]"
_SENTENCE_ENDS = (".", "!", "?", ":", ";")

# In units of the line's height.
_CHARACTER_ADVANCE = 0.5
_ALIGNED = 0.4
_DEEPEST_INDENT = 4.0
_NARROWEST_LEADING, _USUAL_LEADING, _WIDEST_LEADING = 0.3, 1.4, 3.0
_LEADING_TOLERANCE = 1.3
# Narrower columns are labels, addresses and table cells, where a line end means something.
_NARROWEST_COLUMN_CHARS = 22
# How far a line must fill its column when the next word would have fitted, too.
_HALF, _NEARLY = 0.5, 0.85


class Section(NamedTuple):
    """What a heading opens; `level` 1 is the outermost."""

    level: int
    title: str


@dataclass(slots=True)
class Paragraph:
    """Lines of one page that belong together, and the sections that open right before them."""

    lines: list[Line]
    text: str
    opens: list[Section] = field(default_factory=list)
    is_heading: bool = False


def has_bullet(text: str) -> bool:
    return bool(_BULLET.match(text))


def starts_list_item(text: str) -> bool:
    return has_bullet(text) or bool(_ENUMERATOR.match(text))


def read_paragraphs(lines: Sequence[Line], dehyphenator: Dehyphenator) -> list[Paragraph]:
    """The lines of one page as paragraphs in their order; a row of a table is one by itself."""
    return [
        Paragraph(group, reduce(dehyphenator.join, (line.text for line in group)))
        for group in _grouped(lines)
    ]


def _grouped(lines: Sequence[Line]) -> list[list[Line]]:
    page = _PageMeasures(lines)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _continues(groups[-1], line, page):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


class _PageMeasures:
    """What is usual on a page: where lines that start alike end, and how far apart they stand."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._right_edges: defaultdict[int, float] = defaultdict(float)
        for line in lines:
            if not line.is_row:
                bucket = _bucket(line.left)
                self._right_edges[bucket] = max(self._right_edges[bucket], line.right)
        self._leadings = _usual_leadings(lines)

    def widest_leading(self, line: Line) -> float:
        usual = self._leadings.get(round(line.height), line.height * _USUAL_LEADING)
        return min(usual * _LEADING_TOLERANCE, line.height * _WIDEST_LEADING)

    def column_right(self, line: Line) -> float:
        """Where the longest of the lines ends that start where this one does."""
        bucket = _bucket(line.left)
        return max(self._right_edges.get(near, 0.0) for near in (bucket - 1, bucket, bucket + 1))


def _bucket(left: float) -> int:
    return round(left / 3)


def _usual_leadings(lines: Sequence[Line]) -> dict[int, float]:
    """By height of line, its distance within paragraphs: the smallest that is no exception."""
    leadings: defaultdict[int, Counter[float]] = defaultdict(Counter)
    for upper, lower in pairwise(lines):
        leading = round((upper.base - lower.base) * 2) / 2
        if leading > 0 and not (upper.is_row or lower.is_row) and _is_same_size(upper, lower):
            leadings[round(lower.height)][leading] += 1
    usual = {}
    for height, counts in leadings.items():
        enough = max(2.0, 0.15 * counts.total())
        repeated = [leading for leading, count in counts.items() if count >= enough]
        if repeated:
            usual[height] = min(repeated)
    return usual


def _continues(paragraph: list[Line], line: Line, page: _PageMeasures) -> bool:
    last = paragraph[-1]
    if last.is_row or line.is_row or has_bullet(line.text) or not _is_same_size(last, line):
        return False
    leading = last.base - line.base
    if not _NARROWEST_LEADING * line.height < leading <= page.widest_leading(line):
        return False
    return _is_aligned(paragraph, line) and _was_wrapped(last, line, page)


def _is_same_size(upper: Line, lower: Line) -> bool:
    return abs(upper.height - lower.height) < 0.1 * upper.height


def _is_aligned(paragraph: list[Line], line: Line) -> bool:
    """Below the line before; the second line may hang or stand left of an indented first one."""
    shift = (line.left - paragraph[-1].left) / line.height
    if len(paragraph) > 1:
        return abs(shift) <= _ALIGNED
    if shift > _ALIGNED:
        return shift <= _DEEPEST_INDENT and starts_list_item(paragraph[0].text)
    return shift >= -_DEEPEST_INDENT


def _was_wrapped(last: Line, line: Line, page: _PageMeasures) -> bool:
    """Whether `last` ended for want of room: the next word did not fit, or the sentence goes on."""
    advance = line.height * _CHARACTER_ADVANCE
    column_right = page.column_right(last)
    column_width = column_right - last.left
    if column_width < _NARROWEST_COLUMN_CHARS * advance:
        return False
    ends_sentence = last.text.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS)
    if _ENUMERATOR.match(line.text) and ends_sentence:
        return False
    next_word_width = advance * (1 + len(line.text.split(maxsplit=1)[0]))
    if last.right + next_word_width > column_right:
        return True
    fill = (last.right - last.left) / column_width
    first = line.text[0]
    return not ends_sentence and first.isalpha() and fill > (_HALF if first.islower() else _NEARLY)
