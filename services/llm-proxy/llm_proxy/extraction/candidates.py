"""Cuts passages into the units that can be quoted, each with what it leans on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clientsphere_common.sentences import split_sentences
from llm_proxy.model import GroundingPassage

# `cell | cell`, or `name: value; name: value` with or without more pairs.
_ROW = re.compile(r" \| |^[^:;]{1,80}: [^;]*; [^:;]{1,80}: ")
_LABELLED_CELL = re.compile(r"^[^:;|]{1,80}: ")
_SECTION_NUMBER = re.compile(r"^\d{1,3}(?:\.\d{1,3})*\.?\s+")
_END_OF_SENTENCE = re.compile(r"[.!?:;\u2026][\"'\u2019\u201d)\]]*$")
_LONGEST_HEADING_WORDS = 8
_REFERS_BACK = re.compile(
    r"(?:he|she|it|they|his|her|its|their|this|these|those|that|such|here|there)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Candidate:
    """A sentence or a table row, word for word."""

    passage_rank: int
    """Place of its passage in the list, from 0."""
    position: int
    """Place among the candidates of its passage, from 0."""
    text: str
    title: str
    """What stands above it: heading path, its table's header row, the question that it answers."""
    previous: str
    """The sentence before it; empty when there is none, and for table rows."""

    @property
    def is_row(self) -> bool:
        return _is_row(self.text)

    @property
    def refers_back(self) -> bool:
        """Whether only the sentence before it says what it is about."""
        return bool(self.previous and _REFERS_BACK.match(self.text))

    @property
    def leads_on(self) -> bool:
        """Whether it announces what follows."""
        return self.text.endswith(":")


def cut_passages(passages: Sequence[GroundingPassage]) -> list[Candidate]:
    """Whatever states something, passage after passage in reading order.

    Questions, headings and header rows state nothing: they are titles of what follows.
    """
    return [
        candidate
        for rank, passage in enumerate(passages)
        for candidate in _cut_passage(rank, passage)
    ]


def _cut_passage(rank: int, passage: GroundingPassage) -> Iterator[Candidate]:
    heading = " ".join(passage.heading_path)
    title, previous, position = "", "", 0
    units = _units(passage.text)
    for index, unit in enumerate(units):
        if unit in passage.heading_path or _is_title(units, index):
            title, previous = unit, ""
            continue
        if _is_row(title) and not _is_row(unit):
            title = ""
        yield Candidate(rank, position, unit, f"{heading} {title}", previous)
        previous = "" if _is_row(unit) else unit
        position += 1


def _units(text: str) -> list[str]:
    """Sentences; a line with cells is one unit, whatever its cells hold."""
    units: list[str] = []
    for line in text.splitlines():
        if _is_row(line):
            units.append(line.strip())
        else:
            units.extend(line[start:end] for start, end in split_sentences(line))
    return units


def _is_row(unit: str) -> bool:
    return bool(_ROW.search(unit))


def _is_title(units: Sequence[str], index: int) -> bool:
    unit = units[index]
    before = units[index - 1] if index else ""
    after = units[index + 1] if index + 1 < len(units) else ""
    if _is_row(unit):
        is_first = _is_row(after) and not _is_row(before)
        return is_first and not _LABELLED_CELL.match(unit) and not _has_digit(unit)
    return unit.endswith("?") or (_looks_like_heading(unit) and not _looks_like_heading(after))


def _looks_like_heading(unit: str) -> bool:
    """Short and without the end of a sentence: a heading, or an item of a list."""
    return (
        len(unit.split()) <= _LONGEST_HEADING_WORDS
        and not _is_row(unit)
        and not _END_OF_SENTENCE.search(unit)
        and not _has_digit(_SECTION_NUMBER.sub("", unit))
    )


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
