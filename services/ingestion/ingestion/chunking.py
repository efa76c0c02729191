"""Cuts extracted text into chunks: what is embedded, searched and cited."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf

from ingestion.parsing.model import BlockKind, ParsedDocument
from ingestion.segmentation import Unit, segments

# Share of the target below which a section is too small to stand alone.
_SMALL = 0.4
# What a cut costs beside its distance from the target length, in characters of that distance.
_INSIDE_BLOCK_COST = 250
_BETWEEN_COST = {BlockKind.TABLE_ROW: 500, BlockKind.LIST_ITEM: 100, BlockKind.CODE: 500}
_AFTER_COLON_COST = 300
_SHORT_REST, _SHORT_REST_COST = 0.2, 400
_AFTER_HEADING_COST = 1_000_000
_BEFORE_HEADING_COST = -200
_PROSE = {BlockKind.PARAGRAPH, BlockKind.LIST_ITEM}
_MAX_SENTENCES_REPEATED = 2


@dataclass(frozen=True, slots=True)
class ChunkingSettings:
    """`max_chars` is never exceeded; `overlap_chars` of whole sentences are repeated at most."""

    target_chars: int = 1000
    max_chars: int = 1600
    overlap_chars: int = 150


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text` is exactly `[start:end]` of the extracted text, in Unicode code points.

    `content_sha256` is of `text` in UTF-8 alone: place and headings are not part of it.
    """

    index: int
    start: int
    end: int
    text: str
    page: int
    heading_path: tuple[str, ...]
    content_sha256: str


def chunk(parsed: ParsedDocument, settings: ChunkingSettings) -> list[Chunk]:
    """Chunks in order of their start; together they hold every visible character.

    None crosses a page, nor a heading unless a section is very small; none cuts a sentence or a
    table's row that fits. The same document and settings always give the same chunks.
    """
    small_chars = int(settings.target_chars * _SMALL)
    spans = (
        span
        for segment in segments(parsed, settings.max_chars, small_chars)
        for span in _cut(segment, parsed.text, settings)
    )
    return [_chunk(index, units, parsed.text) for index, units in enumerate(spans)]


def _cut(segment: Sequence[Unit], text: str, settings: ChunkingSettings) -> Iterator[list[Unit]]:
    first, first_new = 0, 0
    while first_new < len(segment):
        last = _best_end(segment, first, first_new, text, settings)
        yield list(segment[first : last + 1])
        first_new = last + 1
        first = first_new - _sentences_to_repeat(segment, first, first_new, settings)


def _best_end(
    segment: Sequence[Unit], first: int, first_new: int, text: str, settings: ChunkingSettings
) -> int:
    """The unit to end with when a chunk starts at `first`: near the target, at a good place."""
    start = segment[first].start
    best, best_cost = first_new, inf
    for last in range(first_new, len(segment)):
        length = segment[last].end - start
        if length > settings.max_chars:
            break
        rest = segment[-1].end - segment[last].end
        cost = abs(length - settings.target_chars) + _cost_of_cut(segment, last, text)
        if 0 < rest < settings.target_chars * _SHORT_REST:
            cost += _SHORT_REST_COST
        if cost < best_cost:
            best, best_cost = last, cost
    return best


def _cost_of_cut(segment: Sequence[Unit], last: int, text: str) -> int:
    if last == len(segment) - 1:
        return 0
    block, following = segment[last].block, segment[last + 1].block
    if block.kind is BlockKind.HEADING:
        return _AFTER_HEADING_COST
    cost = _AFTER_COLON_COST if text[segment[last].end - 1] == ":" else 0
    if following.kind is BlockKind.HEADING:
        return cost + _BEFORE_HEADING_COST
    if block is following:
        return cost + _INSIDE_BLOCK_COST
    if block.kind is following.kind:
        return cost + _BETWEEN_COST.get(block.kind, 0)
    return cost


def _sentences_to_repeat(
    segment: Sequence[Unit], first: int, first_new: int, settings: ChunkingSettings
) -> int:
    """How many units before `first_new` also start the next chunk, so that it reads on."""
    repeated = 0
    for index in range(first_new - 1, max(first, first_new - 1 - _MAX_SENTENCES_REPEATED), -1):
        unit, following = segment[index], segment[first_new : first_new + 1]
        if not following or not _is_same_prose(unit, following[0]):
            break
        length = segment[first_new - 1].end - unit.start
        if length > settings.overlap_chars or following[0].end - unit.start > settings.max_chars:
            break
        repeated = first_new - index
    return repeated


def _is_same_prose(unit: Unit, other: Unit) -> bool:
    kinds = {unit.block.kind, other.block.kind}
    return kinds <= _PROSE and unit.block.heading_path == other.block.heading_path


def _chunk(index: int, units: Sequence[Unit], parsed_text: str) -> Chunk:
    start, end = units[0].start, units[-1].end
    text = parsed_text[start:end]
    said = [unit for unit in units if unit.block.kind is not BlockKind.HEADING] or units
    return Chunk(
        index=index,
        start=start,
        end=end,
        text=text,
        page=units[0].block.page,
        heading_path=_common_path([unit.block.heading_path for unit in said]),
        content_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _common_path(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    steps = zip(*paths, strict=False)
    return tuple(step[0] for step in takewhile(lambda step: len(set(step)) == 1, steps))
