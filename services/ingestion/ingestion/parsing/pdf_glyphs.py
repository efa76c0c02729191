"""The characters of a PDF page with their boxes, read from pdfium and put into lines."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

_LINE_BREAK = "\r\n"
# In units of the line's height. Running text measures 0.45 a character and 0.25 a space.
CELL_GAP = 1.1
_STRETCHED_ADVANCE = 0.55
_OTHER_BASELINE = 0.6
_BOLD_NAME = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_BOLD_WEIGHT = 600
_NUMBER = re.compile(r"[(\u2212-]?[$\u20ac\xa3]?\d[\d.,]*[)%]*")
_AMOUNT_END = re.compile(r"[\d%)]$")
_MARKER = re.compile(
    r"(?:[\u2022\xb7\u25cf\u25aa\u25a0\u25e6\u2023\u2013\u2014*-]|\(?(?:\d{1,3}|[a-z]{1,4})[.)]"
    r"|(?:item|note|part|section)(?:\s[\divx]{1,4}[a-z]?\.?)?)",
    re.IGNORECASE,
)
_GOES_WITH_NEXT = ("$", "\u20ac", "\xa3", "(")
_GOES_WITH_LAST = ("%", ")")


@dataclass(slots=True)
class Line:
    """`left`, `right`, baseline and height are in points; y grows upwards."""

    text: str
    left: float
    right: float
    base: float
    height: float
    is_bold: bool
    is_row: bool = False


def is_marker(text: str) -> bool:
    """Whether it only numbers or marks what follows it: a bullet, `(1)`, `Item 7.`"""
    return bool(_MARKER.fullmatch(text))


class Glyphs:
    """The text of a page with the boxes of its characters.

    pdfium counts UTF-16 units, and may leave some out of the text: then indices are translated.
    """

    def __init__(self, textpage: Any) -> None:
        self._raw = textpage.raw
        self._text = textpage.get_text_range()
        self._is_shifted = textpage.count_chars() != len(self._text)
        self._box = pdfium.FS_RECTF()
        self._font_name = ctypes.create_string_buffer(64)
        self._font_flags = ctypes.c_int()

    def lines(self) -> Iterator[Line]:
        """The lines that pdfium parts, parted again wherever one steps to another baseline."""
        line_start = 0
        for text_line in self._text.split(_LINE_BREAK):
            line_end = line_start + len(text_line)
            start, end = self._trimmed(line_start, line_end)
            while start < end:
                step = self._next_step(start, end)
                yield self._line(*self._trimmed(start, step))
                start, end = self._trimmed(step, end)
            line_start = line_end + len(_LINE_BREAK)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        span = self._text[start:end]
        start += len(span) - len(span.lstrip())
        return start, start + len(span.strip())

    def _next_step(self, start: int, end: int) -> int:
        """The first index on another baseline than `start`; by bisection, lines being monotone."""
        base, first_height = self._base_and_height(start)
        last_base, last_height = self._base_and_height(end - 1)
        far_enough = _OTHER_BASELINE * max(first_height, last_height)
        if abs(last_base - base) <= far_enough:
            return end
        same, other = start, end - 1
        while other - same > 1:
            middle = (same + other) // 2
            # White space is not printed: its box is made up.
            probe = middle + 1 if self._text[middle].isspace() else middle
            if abs(self._base_and_height(probe)[0] - base) <= far_enough:
                same = middle
            else:
                other = middle
        return other

    def _line(self, start: int, end: int) -> Line:
        middle = (start + end) // 2
        if self._text[middle].isspace():
            middle -= 1
        # Medians: a bullet or a footnote mark at one end has a font and a baseline of its own.
        measured = [self._base_and_height(index) for index in (start, middle, end - 1)]
        base = sorted(base for base, _ in measured)[1]
        height = sorted(height for _, height in measured)[1]
        left, right = self._left_and_right(start)[0], self._left_and_right(end - 1)[1]
        text = self._text[start:end]
        line = Line(text, left, right, base, height, self._is_bold(middle))
        if _may_be_row(line):
            cells = self._cells(start, end, gap=CELL_GAP * height)
            line.text, line.is_row = " | ".join(cells), len(cells) > 1
        return line

    def _cells(self, start: int, end: int, gap: float) -> list[str]:
        cells: list[str] = []
        cell_start = start
        for space in re.finditer(r"\s+", self._text[start:end]):
            before, after = start + space.start(), start + space.end()
            width = self._left_and_right(after)[0] - self._left_and_right(before - 1)[1]
            cell = self._text[cell_start:before]
            is_first_mark = not cells and is_marker(cell)
            if not is_first_mark and _are_cells(cell, self._text[after : after + 2], width >= gap):
                cells.append(cell)
                cell_start = after
        return [*cells, self._text[cell_start:end]]

    def _base_and_height(self, index: int) -> tuple[float, float]:
        box = self._box
        pdfium.FPDFText_GetLooseCharBox(self._raw, self._char(index), box)
        return box.bottom, box.top - box.bottom

    def _left_and_right(self, index: int) -> tuple[float, float]:
        box = self._box
        pdfium.FPDFText_GetLooseCharBox(self._raw, self._char(index), box)
        return box.left, box.right

    def _is_bold(self, index: int) -> bool:
        char, name = self._char(index), self._font_name
        if pdfium.FPDFText_GetFontWeight(self._raw, char) >= _BOLD_WEIGHT:
            return True
        pdfium.FPDFText_GetFontInfo(self._raw, char, name, len(name), self._font_flags)
        return bool(_BOLD_NAME.search(name.value))

    def _char(self, index: int) -> int:
        if not self._is_shifted:
            return index
        utf16_index = len(self._text[:index].encode("utf-16-le")) // 2
        return int(pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, utf16_index))


def _may_be_row(line: Line) -> bool:
    """Wide for its characters, or mostly numbers: worth measuring the gaps between its words."""
    if " " not in line.text:
        return False
    if line.right - line.left > len(line.text) * line.height * _STRETCHED_ADVANCE:
        return True
    words = line.text.split()
    return sum(map(bool, map(_NUMBER.fullmatch, words))) * 3 >= len(words)


def _are_cells(left: str, right: str, is_wide_gap: bool) -> bool:
    if left.endswith(_GOES_WITH_NEXT) or right.startswith(_GOES_WITH_LAST):
        return False
    # Amounts of neighbouring columns can touch: "9,809 $ 6,456".
    return is_wide_gap or (right.startswith("$") and _AMOUNT_END.search(left) is not None)
