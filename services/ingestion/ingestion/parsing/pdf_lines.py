"""The printed lines of a PDF page: what layout decisions are made from."""

from __future__ import annotations

import re
from typing import Any

from ingestion.parsing.pdf_glyphs import CELL_GAP, Glyphs, Line, is_marker

# In units of the line's height.
_OVERLAP, _WORD_GAP = -0.5, 0.12
_SAME_BASELINE = 0.25
_SMALLEST_VISIBLE_HEIGHT = 1.5  # points
_SMALL = 0.8  # of the usual height
_DRAWN_RULE = re.compile(r"[_=\s-]{4,}")
_FOOTNOTE_MARK = re.compile(r"[(\[]?[\da-z*\u2020\u2021]{1,2}[)\]]?")


def read_lines(page: Any) -> list[Line]:
    """The lines of a pypdfium2 page in the order of its content; cells of a row joined by ` | `.

    What is too small to be seen or outside the page is left out, and so are rules made of dashes
    and footnote marks that stand apart from what they belong to.
    """
    bbox = page.get_bbox()
    lines: list[Line] = []
    textpage = page.get_textpage()
    try:
        for line in Glyphs(textpage).lines():
            if _is_printed(line, bbox):
                _append(lines, line)
    finally:
        textpage.close()
    heights = sorted(line.height for line in lines) or [0.0]
    small = _SMALL * heights[len(heights) // 2]
    return [line for line in lines if not (_is_rule(line) or _is_stray_mark(line, small))]


def _is_printed(line: Line, bbox: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = bbox
    if line.height < _SMALLEST_VISIBLE_HEIGHT:
        return False
    return line.left < right and line.right > left and bottom - line.height < line.base < top


def _is_rule(line: Line) -> bool:
    return bool(_DRAWN_RULE.fullmatch(line.text))


def _is_stray_mark(line: Line, small: float) -> bool:
    return line.height < small and bool(_FOOTNOTE_MARK.fullmatch(line.text))


def _append(lines: list[Line], line: Line) -> None:
    """Append `line`, or complete the last one when both are fragments of one printed line."""
    if not lines or not _is_continued(lines[-1], line):
        lines.append(line)
        return
    last = lines[-1]
    gap = (line.left - last.right) / line.height
    is_apart = gap > CELL_GAP and not is_marker(last.text)
    separator = " | " if is_apart else " " if gap > _WORD_GAP else ""
    last.text += separator + line.text
    last.is_row = last.is_row or line.is_row or is_apart
    last.right = line.right


def _is_continued(last: Line, line: Line) -> bool:
    is_level = abs(last.base - line.base) <= _SAME_BASELINE * line.height
    return is_level and line.left - last.right > _OVERLAP * line.height
