"""The pieces that chunks are made of."""

from __future__ import annotations

from ingestion.parsing.model import BlockKind, ParsedDocument
from ingestion.parsing.text_builder import TextBuilder
from ingestion.segmentation import Unit, segments


def texts(parsed: ParsedDocument, parted: list[list[Unit]]) -> list[list[str]]:
    return [[parsed.text[unit.start : unit.end] for unit in segment] for segment in parted]


class TestSegments:
    def test_prose_is_cut_into_sentences_and_rows_and_headings_are_whole(self) -> None:
        builder = TextBuilder(10_000)
        builder.add_heading(1, "One. Two.")
        builder.add(BlockKind.PARAGRAPH, "First. Second.")
        builder.add(BlockKind.TABLE_ROW, "a. A | b. B")
        parsed = builder.build()
        assert texts(parsed, segments(parsed, max_unit_chars=100, small_chars=0)) == [
            ["One. Two.", "First.", "Second.", "a. A | b. B"]
        ]

    def test_what_is_too_long_is_cut_at_white_space(self) -> None:
        builder = TextBuilder(10_000)
        builder.add(BlockKind.TABLE_ROW, "word " * 5)
        parsed = builder.build()
        assert texts(parsed, segments(parsed, max_unit_chars=10, small_chars=0)) == [
            ["word word", "word word", "word"]
        ]

    def test_a_word_that_is_too_long_is_cut_where_it_must(self) -> None:
        builder = TextBuilder(10_000)
        builder.add(BlockKind.PARAGRAPH, "x" * 25)
        parsed = builder.build()
        assert texts(parsed, segments(parsed, max_unit_chars=10, small_chars=0)) == [
            ["x" * 10, "x" * 10, "x" * 5]
        ]

    def test_pages_part_whatever_their_size(self) -> None:
        builder = TextBuilder(10_000)
        for page in (1, 2):
            builder.add(BlockKind.PARAGRAPH, f"Page {page}.", page=page)
        parsed = builder.build(page_count=2)
        assert len(segments(parsed, max_unit_chars=100, small_chars=1000)) == 2

    def test_only_small_sections_under_one_parent_are_joined(self) -> None:
        builder = TextBuilder(10_000)
        for level, title, body in (
            (1, "A", ""),
            (2, "A1", "Small."),
            (2, "A2", "Large enough to stand alone."),
            (2, "A3", "Small."),
            (1, "B", "Small."),
        ):
            builder.add_heading(level, title)
            builder.add(BlockKind.PARAGRAPH, body)
        parsed = builder.build()
        assert texts(parsed, segments(parsed, max_unit_chars=100, small_chars=30)) == [
            ["A", "A1", "Small.", "A2", "Large enough to stand alone."],
            ["A3", "Small."],
            ["B", "Small."],
        ]
