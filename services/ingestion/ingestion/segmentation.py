"""Cuts a parsed document into the pieces that chunks are put together from, and never cut again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from clientsphere_common.sentences import split_sentences
from ingestion.parsing.model import Block, BlockKind, ParsedDocument

_WHOLE_KINDS = {BlockKind.HEADING, BlockKind.TABLE_ROW}
_LAST_SPACE = re.compile(r"\s+(?=\S*\Z)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, heading or table row: `text[start:end]` of its document."""

    start: int
    end: int
    block: Block


def segments(parsed: ParsedDocument, max_unit_chars: int, small_chars: int) -> list[list[Unit]]:
    """The units in order, parted where no chunk may reach across.

    That is at every page, and at every heading, except that a section shorter than `small_chars`
    is joined by what follows it under the same parent heading.
    """
    parted: list[list[Unit]] = []
    units = (unit for block in parsed.blocks for unit in _units(parsed.text, block, max_unit_chars))
    for _, section in groupby(units, key=lambda unit: (unit.block.page, unit.block.heading_path)):
        following = list(section)
        if parted and _may_join(parted[-1], following[0], small_chars):
            parted[-1].extend(following)
        else:
            parted.append(following)
    return parted


def _may_join(segment: list[Unit], unit: Unit, small_chars: int) -> bool:
    first = segment[0].block
    parent = first.heading_path[:-1]
    if unit.block.page != first.page or unit.block.heading_path[: len(parent)] != parent:
        return False
    return segment[-1].end - segment[0].start < small_chars


def _units(text: str, block: Block, max_chars: int) -> Iterator[Unit]:
    if block.kind in _WHOLE_KINDS and block.end - block.start <= max_chars:
        yield Unit(block.start, block.end, block)
        return
    for start, end in split_sentences(text[block.start : block.end]):
        yield from _bounded(text, Unit(block.start + start, block.start + end, block), max_chars)


def _bounded(text: str, unit: Unit, max_chars: int) -> Iterator[Unit]:
    """`unit`, cut at white space where it is too long, within a word only if that is too long."""
    start = unit.start
    while unit.end - start > max_chars:
        window = text[start : start + max_chars + 1]
        space = _LAST_SPACE.search(window)
        cut = start + space.start() if space and space.start() > 0 else start + max_chars
        yield Unit(start, cut, unit.block)
        start = cut
        while text[start].isspace():
            start += 1
    yield Unit(start, unit.end, unit.block)
