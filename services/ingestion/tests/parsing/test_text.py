"""Plain text files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingestion.parsing.model import BlockKind, MediaType, ParsedDocument, ParseError

Read = Callable[[bytes | str, MediaType], ParsedDocument]

WRAPPED = """Annual leave is granted to every employee of the company from the
first day of work on. It is counted in working days, and half
days may be taken after agreement with the line manager.

1. Ask your manager before you book anything, and wait for the
   answer in writing.
2. Enter the days.
"""


def blocks(parsed: ParsedDocument) -> list[str]:
    return [parsed.text[block.start : block.end] for block in parsed.blocks]


class TestParseText:
    def test_lines_wrapped_by_hand_become_whole_sentences_again(self, read: Read) -> None:
        parsed = read(WRAPPED, MediaType.TEXT)
        assert blocks(parsed) == [
            "Annual leave is granted to every employee of the company from the first day of work "
            "on. It is counted in working days, and half days may be taken after agreement with "
            "the line manager.",
            "1. Ask your manager before you book anything, and wait for the answer in writing.",
            "2. Enter the days.",
        ]
        assert [block.kind for block in parsed.blocks] == [
            BlockKind.PARAGRAPH,
            BlockKind.LIST_ITEM,
            BlockKind.LIST_ITEM,
        ]

    def test_lines_that_end_on_purpose_stay_apart(self, read: Read) -> None:
        faq = "Q: How many days of leave do I get?\nA: Twenty-five.\n\nname    days\nAlice   25\n"
        assert blocks(read(faq, MediaType.TEXT)) == [
            "Q: How many days of leave do I get?\nA: Twenty-five.",
            "name days\nAlice 25",
        ]

    def test_a_line_that_goes_on_in_lower_case_is_joined(self, read: Read) -> None:
        assert blocks(read("Employees of the\ncompany", MediaType.TEXT)) == [
            "Employees of the company"
        ]

    def test_form_feeds_and_foreign_line_ends_part_paragraphs(self, read: Read) -> None:
        assert blocks(read(b"One\r\n\r\nTwo\r\rThree\fFour", MediaType.TEXT)) == [
            "One",
            "Two",
            "Three",
            "Four",
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_reads_the_usual_encodings(self, read: Read, encoding: str) -> None:
        assert read("\xdcber 5 \u20ac".encode(encoding), MediaType.TEXT).text == "\xdcber 5 \u20ac"

    def test_text_in_no_known_encoding_is_refused(self, read: Read) -> None:
        with pytest.raises(ParseError) as refused:
            read(b"caf\xe9 \x81", MediaType.TEXT)
        assert refused.value.code == "text_undecodable"

    def test_only_white_space_is_no_document(self, read: Read) -> None:
        with pytest.raises(ParseError) as refused:
            read("\n \u200b\n", MediaType.TEXT)
        assert refused.value.code == "document_without_text"
