"""CSV: each row becomes `column: value; column: value`, readable without the rows above it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ingestion.parsing.model import BlockKind, ParsedDocument, ParseError
from ingestion.parsing.tables import MAX_COLUMNS, labelled_cells, looks_like_header
from ingestion.parsing.text import read_text
from ingestion.parsing.text_builder import TextBuilder

_DELIMITERS = ",;\t|"
_SNIFFED_LINES = 50


def parse_csv(path: Path, builder: TextBuilder) -> ParsedDocument:
    """Raises ParseError `text_undecodable` or `csv_broken`."""
    lines = read_text(path).split("\n")
    try:
        delimiter = _delimiter(lines[:_SNIFFED_LINES])
        rows = _rows(lines, delimiter)
        first_rows = list(islice(rows, _SNIFFED_LINES))
        names = first_rows.pop(0) if looks_like_header(first_rows, is_expected=True) else []
        for row in first_rows:
            builder.add(BlockKind.TABLE_ROW, labelled_cells(row, names, separator="; "))
        for row in rows:
            builder.add(BlockKind.TABLE_ROW, labelled_cells(row, names, separator="; "))
    except csv.Error as error:
        raise ParseError(
            "csv_broken",
            f"The CSV file cannot be read as a table ({error}). Check its quotes and save it anew.",
        ) from error
    return builder.build()


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Rows that are not blank, with white space and line breaks in cells reduced to one space."""
    for row in csv.reader((f"{line}\n" for line in lines), delimiter=delimiter):
        cells = [" ".join(cell.split()) for cell in row[:MAX_COLUMNS]]
        if any(cells):
            yield cells


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts most lines into the same number of cells, and into more than one."""
    return max(_DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter))


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    widths = [len(row) for row in _rows(lines, delimiter)]
    usual = max(set(widths), key=widths.count, default=1)
    return (widths.count(usual), usual) if usual > 1 else (0, 0)
