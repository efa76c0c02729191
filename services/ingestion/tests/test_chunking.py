"""What is embedded, searched and cited."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingestion.chunking import Chunk, ChunkingSettings, chunk
from ingestion.parsing.model import Block, BlockKind, ParsedDocument
from ingestion.parsing.text_builder import TextBuilder

SETTINGS = ChunkingSettings()


def sentence(number: int, length: int = 80) -> str:
    return f"Sentence {number} says ".ljust(length - 1, "x") + "."


def prose(count: int, first: int = 0) -> str:
    return " ".join(sentence(number) for number in range(first, first + count))


def parsed_of(*blocks: tuple[BlockKind, str]) -> ParsedDocument:
    builder = TextBuilder(1_000_000)
    for kind, text in blocks:
        if kind is BlockKind.HEADING:
            builder.add_heading(1, text)
        else:
            builder.add(kind, text)
    return builder.build()


def chunks_of(*blocks: tuple[BlockKind, str]) -> list[Chunk]:
    return chunk(parsed_of(*blocks), SETTINGS)


class TestChunk:
    def test_a_short_document_is_one_chunk(self) -> None:
        parsed = parsed_of((BlockKind.HEADING, "Leave"), (BlockKind.PARAGRAPH, "25 days."))
        assert chunk(parsed, SETTINGS) == [
            Chunk(
                index=0,
                start=0,
                end=15,
                text="Leave\n\n25 days.",
                page=0,
                heading_path=("Leave",),
                content_sha256=hashlib.sha256(b"Leave\n\n25 days.").hexdigest(),
            )
        ]

    def test_no_text_is_no_chunk(self) -> None:
        assert chunk(ParsedDocument("", (), 0), SETTINGS) == []

    def test_long_prose_is_cut_between_sentences_near_the_target(self) -> None:
        chunks = chunks_of((BlockKind.PARAGRAPH, prose(60)))
        assert all(each.text.startswith("Sentence") for each in chunks)
        assert all(each.text.endswith("x.") for each in chunks)
        assert all(900 <= len(each.text) <= 1100 for each in chunks[:-1])

    def test_the_last_sentence_starts_the_next_chunk_again(self) -> None:
        for left, right in pairwise(chunks_of((BlockKind.PARAGRAPH, prose(60)))):
            assert left.end - right.start == 80

    def test_short_sentences_are_repeated_two_at_most(self) -> None:
        text = " ".join(f"Number {n:04}." for n in range(400))
        first, second, *_ = chunks_of((BlockKind.PARAGRAPH, text))
        assert first.end - second.start == len("Number 0000. Number 0000.")

    def test_a_paragraph_end_is_preferred_to_the_exact_length(self) -> None:
        first, *_ = chunks_of(
            (BlockKind.PARAGRAPH, prose(10)), (BlockKind.PARAGRAPH, prose(10, 10))
        )
        assert first.text == prose(10)

    def test_no_scrap_is_left_at_the_end_of_a_section(self) -> None:
        chunks = chunks_of((BlockKind.PARAGRAPH, prose(13)), (BlockKind.PARAGRAPH, "Short end."))
        assert len(chunks) == 1

    def test_a_heading_never_ends_a_chunk(self) -> None:
        chunks = chunks_of(
            (BlockKind.PARAGRAPH, prose(4)),
            (BlockKind.HEADING, "Next"),
            (BlockKind.PARAGRAPH, "x" * 1500),
        )
        assert [each.text[:6] for each in chunks] == ["Senten", "Next\n\n"]

    def test_a_full_section_ends_at_the_next_heading(self) -> None:
        chunks = chunks_of(
            (BlockKind.HEADING, "A"),
            (BlockKind.PARAGRAPH, prose(6)),
            (BlockKind.HEADING, "B"),
            (BlockKind.PARAGRAPH, prose(2)),
        )
        assert [each.heading_path for each in chunks] == [("A",), ("B",)]

    def test_small_sections_share_a_chunk_named_after_what_they_have_in_common(self) -> None:
        builder = TextBuilder(10_000)
        builder.add_heading(1, "Leave")
        for title in ("Annual", "Sick"):
            builder.add_heading(2, title)
            builder.add(BlockKind.PARAGRAPH, "A few days.")
        (only,) = chunk(builder.build(), SETTINGS)
        assert only.heading_path == ("Leave",)

    def test_a_heading_with_nothing_below_it_lends_no_name(self) -> None:
        builder = TextBuilder(10_000)
        builder.add_heading(1, "Leave")
        builder.add_heading(2, "Sick")
        builder.add(BlockKind.PARAGRAPH, "A few days.")
        (only,) = chunk(builder.build(), SETTINGS)
        assert only.heading_path == ("Leave", "Sick")

    def test_a_table_that_fits_is_kept_together_with_the_line_that_announces_it(self) -> None:
        rows = [(BlockKind.TABLE_ROW, f"row {n} | value {n}".ljust(80, "x")) for n in range(10)]
        chunks = chunks_of(
            (BlockKind.PARAGRAPH, prose(8)), (BlockKind.PARAGRAPH, "The table shows:"), *rows
        )
        assert chunks[0].text == prose(8)
        assert "The table shows:\n\nrow 0" in chunks[1].text
        assert "row 9" in chunks[1].text

    def test_a_long_table_is_cut_between_rows_without_repeating_any(self) -> None:
        rows = [(BlockKind.TABLE_ROW, f"row {n} | value {n}") for n in range(200)]
        chunks = chunks_of(*rows)
        assert len(chunks) > 2
        assert "\n".join(each.text for each in chunks) == "\n".join(text for _, text in rows)

    def test_pages_are_never_crossed(self) -> None:
        builder = TextBuilder(10_000)
        for page in (1, 2, 3):
            builder.add(BlockKind.PARAGRAPH, f"Only this on {page}.", page)
        chunks = chunk(builder.build(page_count=3), SETTINGS)
        assert [(each.page, each.text) for each in chunks] == [
            (page, f"Only this on {page}.") for page in (1, 2, 3)
        ]

    def test_a_sentence_that_is_too_long_is_cut_all_the_same(self) -> None:
        chunks = chunks_of((BlockKind.PARAGRAPH, "word " * 1000))
        assert all(len(each.text) <= SETTINGS.max_chars for each in chunks)
        assert all(not each.text.startswith("ord") for each in chunks)


BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(BlockKind),
        st.text(alphabet=st.sampled_from("abcN. !?:\n\t\u20ac5")) | st.text(max_size=200),
        st.integers(min_value=0, max_value=2),
    ),
    max_size=30,
)
ANY_SETTINGS = st.builds(
    ChunkingSettings,
    target_chars=st.integers(min_value=1, max_value=60),
    max_chars=st.integers(min_value=60, max_value=90),
    overlap_chars=st.integers(min_value=0, max_value=40),
)


class TestAnyDocument:
    @given(BLOCKS, ANY_SETTINGS)
    def test_chunks_are_exact_ordered_bounded_and_cover_everything(
        self, blocks: list[tuple[BlockKind, str, int]], settings: ChunkingSettings
    ) -> None:
        builder = TextBuilder(1_000_000)
        page = 1
        for kind, text, step in blocks:
            page += step
            if kind is BlockKind.HEADING:
                builder.enter_section(1 + len(text) % 3, text)
            builder.add(kind, text, page)
        parsed = builder.build(page_count=page)
        chunks = chunk(parsed, settings)

        assert [each.index for each in chunks] == list(range(len(chunks)))
        for each in chunks:
            assert each.text == parsed.text[each.start : each.end]
            assert each.text == each.text.strip() != ""
            assert len(each.text) <= settings.max_chars
            assert each.content_sha256 == hashlib.sha256(each.text.encode()).hexdigest()
            assert {block.page for block in parsed.blocks if overlaps(block, each)} == {each.page}
        for left, right in pairwise(chunks):
            assert left.start < right.start
            assert left.end < right.end
            assert left.end - right.start <= settings.overlap_chars
            assert parsed.text[left.end : right.start].strip() == ""
        if chunks:
            assert (chunks[0].start, chunks[-1].end) == (0, len(parsed.text))
        assert bool(chunks) == bool(parsed.text)
        assert chunk(parsed, settings) == chunks


def overlaps(block: Block, each: Chunk) -> bool:
    return block.start < each.end and each.start < block.end
