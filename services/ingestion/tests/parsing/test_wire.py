"""What crosses the pipe, and what is refused of it."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parsing.model import BlockKind, ParsedDocument, ParseError
from ingestion.parsing.text_builder import TextBuilder
from ingestion.parsing.wire import decode_frame, encode_document, encode_error


def frame(message: object) -> bytes:
    payload = json.dumps(message).encode()
    return struct.pack(">Q", len(payload)) + payload


class TestFrames:
    @given(
        st.lists(
            st.tuples(st.sampled_from(BlockKind), st.text(min_size=1), st.integers(0, 9)),
            max_size=9,
        )
    )
    def test_a_document_arrives_as_it_was_sent(
        self, blocks: list[tuple[BlockKind, str, int]]
    ) -> None:
        builder = TextBuilder(100_000)
        for kind, text, page in blocks:
            if kind is BlockKind.HEADING:
                builder.enter_section(page, text)
            builder.add(kind, text, page)
        document = builder.build(page_count=9)
        assert decode_frame(encode_document(document)) == document

    def test_an_error_is_raised_where_it_arrives(self) -> None:
        with pytest.raises(ParseError) as raised:
            decode_frame(encode_error(ParseError("pdf_broken", "It is damaged.")))
        assert (raised.value.code, raised.value.message) == ("pdf_broken", "It is damaged.")

    def test_an_incomplete_frame_is_refused(self) -> None:
        whole = encode_document(ParsedDocument("", (), 0))
        for part in (b"", whole[:5], whole[:-1], whole + b" "):
            with pytest.raises(ValueError, match="incomplete"):
                decode_frame(part)

    @pytest.mark.parametrize(
        "message",
        [
            [],
            {},
            {"error": ["code"]},
            {"error": 1},
            {"text": "ab", "blocks": [[0, 1, 0]], "paths": [[]], "page_count": 0},
            {"text": "ab", "blocks": [[0, 1, 0, 7, 0]], "paths": [[]], "page_count": 0},
            {"text": "ab", "blocks": [[0, 3, 0, 0, 0]], "paths": [[]], "page_count": 0},
            {"text": "ab", "blocks": [[1, 0, 0, 0, 0]], "paths": [[]], "page_count": 0},
            {"text": "ab", "blocks": [["x", 1, 0, 0, 0]], "paths": [[]], "page_count": 0},
            {"text": 5, "blocks": [], "paths": [], "page_count": 0},
        ],
    )
    def test_what_is_no_document_is_refused(self, message: object) -> None:
        with pytest.raises(ValueError, match="does not hold a document"):
            decode_frame(frame(message))
