"""What the paragraphs of a PDF page are, seen beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ingestion.parsing.model import BlockKind
from ingestion.parsing.pdf_layout import Paragraph, starts_list_item

_MAX_LABEL_CHARS = 60
_SENTENCE_ENDS = (".", "!", "?", ":", ";")


def kinds_of(paragraphs: Sequence[Paragraph]) -> list[BlockKind]:
    """The kind of each paragraph of one page; short lines that touch a table's rows are of it."""
    kinds: list[BlockKind] = []
    for may_be_table, group in groupby(paragraphs, key=_may_be_table):
        run = list(group)
        if may_be_table and any(paragraph.lines[0].is_row for paragraph in run):
            kinds += [BlockKind.TABLE_ROW] * len(run)
        else:
            kinds += map(_kind, run)
    return kinds


def _may_be_table(paragraph: Paragraph) -> bool:
    if paragraph.lines[0].is_row:
        return True
    text = paragraph.text
    is_label = len(text) <= _MAX_LABEL_CHARS and not text.endswith(_SENTENCE_ENDS)
    return is_label and not paragraph.is_heading and not starts_list_item(text)


def _kind(paragraph: Paragraph) -> BlockKind:
    if paragraph.is_heading:
        return BlockKind.HEADING
    is_item = starts_list_item(paragraph.text)
    return BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
