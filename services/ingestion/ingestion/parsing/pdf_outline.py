"""Headings of a PDF from its own table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import inf
from typing import Any

import pypdfium2.raw as pdfium

from ingestion.parsing.pdf_layout import Paragraph, Section

_MAX_ENTRIES = 5000
_MAX_PAGES_PER_ENTRY = 10
_POSITION_OF_Y = {
    pdfium.PDFDEST_VIEW_XYZ: 1,
    pdfium.PDFDEST_VIEW_FITH: 0,
    pdfium.PDFDEST_VIEW_FITBH: 0,
    pdfium.PDFDEST_VIEW_FITR: 3,
}
_Y_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A section that starts at or below height `y` of a page; `page_index` counts from 0."""

    page_index: int
    y: float
    section: Section


def read_outline(pdf: Any) -> list[OutlineEntry]:
    """The entries of a pypdfium2 document in the order of its pages.

    Empty when there are too few for a table of contents: a bookmark or two are none.
    """
    entries = []
    for bookmark in islice(pdf.get_toc(), _MAX_ENTRIES):
        destination = bookmark.get_dest()
        page_index = destination.get_index() if destination else None
        if page_index is not None:
            section = Section(bookmark.level + 1, bookmark.get_title())
            entries.append(OutlineEntry(page_index, _height_of(destination), section))
    if len(entries) * _MAX_PAGES_PER_ENTRY < len(pdf):
        return []
    return sorted(entries, key=lambda entry: entry.page_index)


def _height_of(destination: Any) -> float:
    mode, position = destination.get_view()
    index = _POSITION_OF_Y.get(mode, len(position))
    return (position[index] if index < len(position) else 0.0) or inf


def open_sections(pages: Sequence[Sequence[Paragraph]], entries: Sequence[OutlineEntry]) -> None:
    """Tell each paragraph which sections open before it, and whether it is the title of one."""
    waiting = [_at_its_title(entry, pages[entry.page_index]) for entry in reversed(entries)]
    for page_index, paragraphs in enumerate(pages):
        for paragraph in paragraphs:
            while waiting and _is_reached(waiting[-1], page_index, paragraph):
                paragraph.opens.append(waiting.pop().section)
            titles = {_comparable(section.title) for section in paragraph.opens}
            paragraph.is_heading = _comparable(paragraph.text) in titles


def _at_its_title(entry: OutlineEntry, page: Sequence[Paragraph]) -> OutlineEntry:
    """Many programs write entries that name only a page: its title says where on the page."""
    if entry.y != inf:
        return entry
    title = _comparable(entry.section.title)
    bases = (one.lines[0].base for one in page if _comparable(one.text) == title)
    return replace(entry, y=next(bases, inf))


def _is_reached(entry: OutlineEntry, page_index: int, paragraph: Paragraph) -> bool:
    if entry.page_index == page_index:
        return paragraph.lines[0].base <= entry.y + _Y_TOLERANCE
    return entry.page_index < page_index


def _comparable(title: str) -> str:
    return "".join(title.casefold().split())
