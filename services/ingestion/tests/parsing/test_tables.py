"""Rows that can be understood alone."""

from __future__ import annotations

import pytest

from ingestion.parsing.tables import MAX_COLUMNS, Grid, looks_like_header, table_lines


class TestTableLines:
    def test_each_value_stands_beside_the_name_of_its_column(self) -> None:
        rows = [["", "2018", "2017"], ["Net sales", "32,765", ""], ["", "", ""]]
        assert list(table_lines(rows, has_header=True)) == [
            "2018 | 2017",
            "Net sales | 2018: 32,765",
        ]

    def test_without_a_header_the_cells_stand_alone(self) -> None:
        rows = [["Name", "Alice\nSmith"], ["City", "Paris", "extra"]]
        assert list(table_lines(rows, has_header=False)) == [
            "Name | Alice Smith",
            "City | Paris | extra",
        ]

    def test_long_names_are_shortened_where_they_are_repeated(self) -> None:
        lines = list(table_lines([["x" * 500, "b"], ["1", "2"]], has_header=True))
        assert len(lines[1]) < 100


class TestLooksLikeHeader:
    @pytest.mark.parametrize(
        ("rows", "is_header"),
        [
            ([["Role", "Days", "Note"], ["Engineer", "25", "-"]], True),
            ([["", "Days", "Note"], ["Engineer", "25", "-"]], True),
            ([["Plan", "Price"], ["Basic", "10"], ["Pro", "$ 20"]], True),
            ([["Name", "Alice"], ["City", "Paris"]], False),
            ([["Sales", "10", "20"], ["Costs", "5", "6"]], False),
            ([["a", "a", "b"], ["1", "2", "3"]], False),
            ([["", "", "b"], ["1", "2", "3"]], False),
            ([["alone", "row", "here"]], False),
            ([["one column"], ["x"]], False),
            ([], False),
        ],
    )
    def test_names_stand_above_values(self, rows: list[list[str]], is_header: bool) -> None:
        assert looks_like_header(rows) is is_header

    def test_two_columns_of_words_have_one_where_it_is_expected(self) -> None:
        assert looks_like_header([["Question", "Answer"], ["Why?", "So."]], is_expected=True)


class TestGrid:
    def test_a_cell_over_rows_is_read_again_below(self) -> None:
        grid = Grid()
        grid.start_row()
        grid.add_cell("a", rows=3)
        grid.add_cell("b")
        grid.end_row()
        for text in ("c", "d", "e"):
            grid.start_row()
            grid.add_cell(text)
            grid.end_row()
        assert grid.rows == [["a", "b"], ["a", "c"], ["a", "d"], ["e"]]

    def test_a_cell_over_columns_is_repeated_only_in_a_header(self) -> None:
        grid = Grid()
        for is_header in (True, False):
            grid.start_row()
            grid.add_cell("x", columns=2, is_header=is_header)
            grid.add_cell("y")
        assert grid.rows == [["x", "x", "y"], ["x", "", "y"]]

    def test_absurd_spans_are_bounded(self) -> None:
        grid = Grid()
        grid.start_row()
        grid.add_cell("x", columns=10**9, rows=10**9)
        grid.start_row()
        grid.end_row()
        assert [len(row) for row in grid.rows] == [MAX_COLUMNS, MAX_COLUMNS]
