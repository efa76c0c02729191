"""CSV files of all dialects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingestion.parsing.model import BlockKind, MediaType, ParsedDocument, ParseError

Read = Callable[[bytes | str, MediaType], ParsedDocument]


class TestParseCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_each_row_names_its_columns(self, read: Read, delimiter: str) -> None:
        rows = [["plan", "price", "note"], ["Basic", "10", ""], ["Pro", "20", "popular"]]
        parsed = read("\n".join(map(delimiter.join, rows)), MediaType.CSV)
        assert parsed.text == "plan: Basic; price: 10\nplan: Pro; price: 20; note: popular"
        assert {block.kind for block in parsed.blocks} == {BlockKind.TABLE_ROW}

    def test_decimal_commas_do_not_hide_the_semicolon(self, read: Read) -> None:
        parsed = read("plan;price\nBasic;1,5\nPro;2,5\n", MediaType.CSV)
        assert parsed.text == "plan: Basic; price: 1,5\nplan: Pro; price: 2,5"

    def test_quoted_cells_may_hold_delimiters_and_line_breaks(self, read: Read) -> None:
        parsed = read('question,answer\n"Why,\nand how?","Because ""so""."\n', MediaType.CSV)
        assert parsed.text == 'question: Why, and how?; answer: Because "so".'

    def test_without_a_header_the_values_stand_alone(self, read: Read) -> None:
        parsed = read("2018,10\n2019,20\n", MediaType.CSV)
        assert parsed.text == "2018; 10\n2019; 20"

    def test_rows_beyond_the_sniffed_ones_are_read_alike(self, read: Read) -> None:
        parsed = read("n,name\n" + "".join(f"{n},x{n}\n" for n in range(200)), MediaType.CSV)
        assert parsed.text.endswith("\nn: 199; name: x199")
        assert len(parsed.blocks) == 200

    def test_one_column_is_a_list_of_values(self, read: Read) -> None:
        assert read("Alice\nBob\n", MediaType.CSV).text == "Alice\nBob"

    def test_a_cell_of_absurd_size_is_refused(self, read: Read) -> None:
        with pytest.raises(ParseError) as refused:
            read("a,b\n1," + "x" * 200_000, MediaType.CSV)
        assert refused.value.code == "csv_broken"
