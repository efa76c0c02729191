"""Plain text: paragraphs between blank lines, with hard-wrapped lines joined again."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from ingestion.parsing.decoding import decode_text
from ingestion.parsing.model import BlockKind, ParsedDocument, ParseError
from ingestion.parsing.text_builder import TextBuilder

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_LIST_ITEM = re.compile(r"\s*(?:[-*+\u2022\xb7\u2013]|\(?(?:\d{1,3}|[a-z])[.)])\s", re.IGNORECASE)
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")
_SENTENCE_ENDS = (".", "!", "?", ":", ";")
_WIDEST_WRAP = 132
_NARROWEST_WRAP = 40


def parse_text(path: Path, builder: TextBuilder) -> ParsedDocument:
    """Raises ParseError `text_undecodable`."""
    text = read_text(path)
    width = _wrap_width(text)
    for paragraph in _PARAGRAPH_BREAK.split(text):
        for lines in _items(paragraph.split("\n")):
            is_item = bool(_LIST_ITEM.match(lines[0]))
            kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
            builder.add(kind, _unwrapped(lines, width))
    return builder.build()


def read_text(path: Path) -> str:
    """The characters of a text file with `\\n` as the only line break."""
    try:
        text = decode_text(path.read_bytes())
    except UnicodeDecodeError as error:
        raise ParseError(
            "text_undecodable",
            "The file is not readable text in a known encoding. Save it as UTF-8 and try again.",
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")


def _wrap_width(text: str) -> int:
    """The width at which lines were wrapped by hand; 0 when they were not.

    Wrapped are most lines that go on: the next word would not have fitted into the widest line.
    """
    lines = text.split("\n")
    width = max(map(len, lines))
    if not _NARROWEST_WRAP <= width <= _WIDEST_WRAP:
        return 0
    pairs = [(upper, lower) for upper, lower in pairwise(lines) if upper.strip() and lower.strip()]
    full = sum(_is_full(upper, lower, width) for upper, lower in pairs)
    return width if full * 2 >= len(pairs) > 0 else 0


def _is_full(upper: str, lower: str, width: int) -> bool:
    return len(upper.rstrip()) + 1 + len(lower.split(maxsplit=1)[0]) > width


def _items(lines: list[str]) -> list[list[str]]:
    """The lines of a paragraph, parted before each list item."""
    items: list[list[str]] = [[]]
    for line in lines:
        if items[-1] and _LIST_ITEM.match(line):
            items.append([])
        items[-1].append(line)
    return items


def _unwrapped(lines: list[str], width: int) -> str:
    text = lines[0].rstrip()
    for upper, lower in pairwise(lines):
        text += (" " if _goes_on(upper, lower, width) else "\n") + lower.strip()
    return text


def _goes_on(upper: str, lower: str, width: int) -> bool:
    upper, lower = upper.rstrip(), lower.strip()
    if not lower or _COLUMNS.search(upper) or _COLUMNS.search(lower):
        return False
    if width and _is_full(upper, lower, width):
        return True
    return lower[0].islower() and not upper.endswith(_SENTENCE_ENDS)
