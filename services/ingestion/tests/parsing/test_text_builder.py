"""How blocks become one text with offsets."""

from __future__ import annotations

import pytest

from ingestion.parsing.model import Block, BlockKind, ParseError
from ingestion.parsing.text_builder import MAX_BLOCKS, TextBuilder


class TestTextBuilder:
    def test_offsets_are_exact_and_blank_blocks_are_left_out(self) -> None:
        builder = TextBuilder(1000)
        builder.add(BlockKind.PARAGRAPH, "  One \u20ac ", page=1)
        builder.add(BlockKind.PARAGRAPH, "\u200b ", page=1)
        builder.add(BlockKind.PARAGRAPH, "Two", page=2)
        parsed = builder.build(page_count=2)
        assert parsed.text == "One \u20ac\n\nTwo"
        assert parsed.blocks == (
            Block(0, 5, 1, (), BlockKind.PARAGRAPH),
            Block(7, 10, 2, (), BlockKind.PARAGRAPH),
        )

    def test_rows_and_items_stand_on_neighbouring_lines(self) -> None:
        builder = TextBuilder(1000)
        for kind in (BlockKind.TABLE_ROW, BlockKind.TABLE_ROW, BlockKind.LIST_ITEM):
            builder.add(kind, "x")
        assert builder.build().text == "x\nx\n\nx"

    def test_a_heading_is_the_last_of_its_own_path_and_ends_deeper_ones(self) -> None:
        builder = TextBuilder(1000)
        for level, title in ((1, "A"), (3, "B"), (2, "C"), (1, "D")):
            builder.add_heading(level, title)
        paths = [block.heading_path for block in builder.build().blocks]
        assert paths == [("A",), ("A", "B"), ("A", "C"), ("D",)]

    def test_a_long_title_is_shortened_in_the_path_only(self) -> None:
        builder = TextBuilder(1000)
        builder.add_heading(1, "long " * 40)
        block = builder.build().blocks[0]
        assert block.end == 199
        assert len(block.heading_path[0]) <= 120
        assert block.heading_path[0].endswith("\u2026")

    def test_a_blank_heading_opens_nothing(self) -> None:
        builder = TextBuilder(1000)
        builder.add_heading(1, "A")
        builder.add_heading(1, " ")
        builder.add(BlockKind.PARAGRAPH, "x")
        assert builder.build().blocks[-1].heading_path == ("A",)

    def test_text_beyond_the_limit_is_refused_in_bytes(self) -> None:
        builder = TextBuilder(max_text_bytes=10)
        builder.add(BlockKind.PARAGRAPH, "\u20ac\u20ac")
        with pytest.raises(ParseError) as refused:
            builder.add(BlockKind.PARAGRAPH, "abc")
        assert refused.value.code == "document_too_large_extracted"

    def test_more_blocks_than_anyone_reads_are_refused(self) -> None:
        builder = TextBuilder(10_000_000)
        for _ in range(MAX_BLOCKS):
            builder.add(BlockKind.TABLE_ROW, "x")
        with pytest.raises(ParseError) as refused:
            builder.add(BlockKind.TABLE_ROW, "x")
        assert refused.value.code == "document_too_large_extracted"
