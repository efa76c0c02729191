"""Headings of a PDF without a table of contents: what is set larger or bolder than the prose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingestion.parsing.pdf_layout import Paragraph, Section, has_bullet

_MAX_HEADING_CHARS = 120
_MAX_HEADING_LINES = 2
_LARGER = 1.12
_SMALLEST_BOLD = 0.8  # fonts of one size differ in height
_MAX_LEVELS = 4
_LONGEST_RUN = 3
_WORD = re.compile(r"[^\W\d_]{3}")
_SENTENCE_ENDS = (".", ";", ",")


def open_sections_by_type(pages: Sequence[Sequence[Paragraph]]) -> None:
    """Mark headings; larger type is further out, bold of the prose's size furthest in."""
    prose = _prose_type([paragraph for paragraphs in pages for paragraph in paragraphs])
    headings = [
        paragraph
        for paragraphs in pages
        for run in _runs(paragraphs, prose)
        if len(run) <= _LONGEST_RUN
        for paragraph in run
    ]
    larger = {_size(paragraph) for paragraph in headings if prose.is_larger(paragraph)}
    levels = {size: rank for rank, size in enumerate(sorted(larger, reverse=True), start=1)}
    for paragraph in headings:
        level = min(levels.get(_size(paragraph), len(levels) + 1), _MAX_LEVELS)
        paragraph.opens.append(Section(level, paragraph.text))
        paragraph.is_heading = True


@dataclass(frozen=True, slots=True)
class _ProseType:
    height: float
    is_bold: bool

    def is_larger(self, paragraph: Paragraph) -> bool:
        return paragraph.lines[0].height > self.height * _LARGER

    def stands_out(self, paragraph: Paragraph) -> bool:
        line = paragraph.lines[0]
        is_bolder = line.is_bold and not self.is_bold
        return self.is_larger(paragraph) or (
            is_bolder and line.height > self.height * _SMALLEST_BOLD
        )


def _prose_type(paragraphs: Sequence[Paragraph]) -> _ProseType:
    """Of most characters in paragraphs of several lines if there are any: tables are no prose."""
    characters: Counter[tuple[float, bool]] = Counter()
    for paragraph in [p for p in paragraphs if len(p.lines) > 1] or paragraphs:
        for line in paragraph.lines:
            characters[round(line.height, 1), line.is_bold] += len(line.text)
    return _ProseType(*max(characters, key=characters.__getitem__))


def _runs(paragraphs: Sequence[Paragraph], prose: _ProseType) -> list[list[Paragraph]]:
    """Possible headings next to one another; many in a row are a cover, or labels of a table."""
    runs: list[list[Paragraph]] = [[]]
    for index, paragraph in enumerate(paragraphs):
        is_table_title = any(below.lines[0].is_row for below in paragraphs[index + 1 : index + 2])
        if _is_short(paragraph) and prose.stands_out(paragraph):
            if prose.is_larger(paragraph) or not is_table_title:
                runs[-1].append(paragraph)
        else:
            runs.append([])
    return runs


def _size(paragraph: Paragraph) -> float:
    return round(paragraph.lines[0].height * 2) / 2


def _is_short(paragraph: Paragraph) -> bool:
    if len(paragraph.lines) > _MAX_HEADING_LINES or paragraph.lines[0].is_row:
        return False
    text = paragraph.text
    if len(text) > _MAX_HEADING_CHARS or text.endswith(_SENTENCE_ENDS) or has_bullet(text):
        return False
    return bool(_WORD.search(text))
