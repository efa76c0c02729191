"""Finds page headers, footers and page numbers: repeated on every page, they drown what is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ingestion.parsing.pdf_glyphs import Line

_MIN_PAGES = 5
_MIN_SHARE = 0.1
_LINES_AT_TOP = 2
_LINES_AT_BOTTOM = 3
_MAX_NUMBERED_CHARS = 60
_INTEGER = re.compile(r"\d{1,4}")


def drop_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without running lines; a repeated title stays where it stands first.

    Running is a line at the top or bottom that says the same on many pages, but for a number that
    grows with the page. No page loses all its lines.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for page_index, lines in enumerate(pages):
        counts.update({key for line in _outer(lines) for key in _keys(line, page_index)})
    threshold = max(_MIN_PAGES, _MIN_SHARE * len(pages))
    running = {key for key, count in counts.items() if count >= threshold}
    seen: set[tuple[str, int]] = set()
    return [_kept(lines, page_index, running, seen) for page_index, lines in enumerate(pages)]


def _outer(lines: list[Line]) -> list[Line]:
    if len(lines) <= _LINES_AT_TOP + _LINES_AT_BOTTOM:
        return lines
    return lines[:_LINES_AT_TOP] + lines[-_LINES_AT_BOTTOM:]


def _keys(line: Line, page_index: int) -> Iterator[tuple[str, int]]:
    """The line as it is, and once for each of its numbers that may be the page's."""
    text = line.text
    yield text, 0
    if len(text) > _MAX_NUMBERED_CHARS:
        return
    for number in _INTEGER.finditer(text):
        before, after = text[: number.start()], text[number.end() :]
        is_inside_sentence = before and after and text.endswith(".")
        if not is_inside_sentence:
            yield f"{before}\0{after}", int(number.group()) - page_index


def _kept(
    lines: list[Line],
    page_index: int,
    running: set[tuple[str, int]],
    seen: set[tuple[str, int]],
) -> list[Line]:
    dropped = set()
    for line in _outer(lines):
        for key in running.intersection(_keys(line, page_index)):
            if key in seen or "\0" in key[0]:
                dropped.add(id(line))
            seen.add(key)
    kept = [line for line in lines if id(line) not in dropped]
    return kept or lines
