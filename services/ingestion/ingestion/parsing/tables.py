"""Rows of a table as lines that can be understood alone: each value beside its column's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MAX_COLUMNS = 200
_MAX_ROWS_SPANNED = 1000
_MAX_NAME_CHARS = 80  # a name is repeated in every row
Row = Sequence[str]


class Grid:
    """Cells put into rows and columns, with those that span several where they are read."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._carried: dict[int, tuple[int, str]] = {}

    def start_row(self) -> None:
        self.rows.append([])

    def add_cell(
        self, text: str, *, columns: int = 1, rows: int = 1, is_header: bool = False
    ) -> None:
        """Append a cell; the rows below read it again, the columns beside it only if a header."""
        row = self.rows[-1]
        self._fill_carried(row)
        for offset in range(min(columns, MAX_COLUMNS - len(row))):
            shown = text if offset == 0 or is_header else ""
            if rows > 1:
                self._carried[len(row)] = (min(rows, _MAX_ROWS_SPANNED) - 1, shown)
            row.append(shown)

    def end_row(self) -> None:
        self._fill_carried(self.rows[-1])

    def _fill_carried(self, row: list[str]) -> None:
        while (column := len(row)) in self._carried:
            rows_left, text = self._carried.pop(column)
            row.append(text)
            if rows_left > 1:
                self._carried[column] = (rows_left - 1, text)


def table_lines(rows: Sequence[Row], *, has_header: bool) -> Iterator[str]:
    """One line for each row that is not blank: `cell | cell`, below a header `name: cell | ...`."""
    names: Row = ()
    for index, row in enumerate(rows):
        cells = [" ".join(cell.split()) for cell in row]
        if any(cells):
            yield labelled_cells(cells, names, separator=" | ")
        if index == 0 and has_header:
            names = cells


def labelled_cells(cells: Row, names: Row, separator: str) -> str:
    """The cells that are not empty, each after its column's name if it has one."""
    return separator.join(
        _labelled(cell, names[column] if column < len(names) else "")
        for column, cell in enumerate(cells)
        if cell
    )


def _labelled(cell: str, name: str) -> str:
    return f"{name[:_MAX_NAME_CHARS]}: {cell}" if name and name != cell else cell


def looks_like_header(rows: Sequence[Row], *, is_expected: bool = False) -> bool:
    """Whether the first row names the columns: distinct words, no amounts, none missing.

    Unless a header is expected, the second of two columns must hold amounts: "Plan | Price" is a
    header above "Basic | 10", but "Name | Alice" above "City | Paris" is a fact.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    names = [name.strip() for name in rows[0]]
    named = [name for name in names if name]
    if len(named) < len(names) - 1 or len(set(named)) < len(named):
        return False
    if any(map(_is_amount, named)):
        return False
    return is_expected or len(names) > 2 or all(_is_amount(row[-1]) for row in rows[1:] if row)


def _is_amount(cell: str) -> bool:
    digits = sum(character.isdigit() for character in cell)
    return digits * 2 >= len(cell.replace(" ", "")) > 0
