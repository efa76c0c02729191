"""Reads real files through the same door as the child process, checking what always must hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ingestion.parsing.model import MediaType, ParsedDocument
from ingestion.parsing.reader import read_document

Read = Callable[[bytes | str | Path, MediaType], ParsedDocument]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes | str | Path, media_type: MediaType) -> ParsedDocument:
        path = content if isinstance(content, Path) else tmp_path / "document"
        if isinstance(content, str):
            content = content.encode()
        if isinstance(content, bytes):
            path.write_bytes(content)
        parsed = read_document(path, media_type, max_text_bytes=1_000_000)
        check_promises(parsed)
        return parsed

    return read


def check_promises(parsed: ParsedDocument) -> None:
    assert unicodedata.is_normalized("NFC", parsed.text)
    assert all(character == "\n" or character.isprintable() for character in parsed.text)
    edges = [edge for block in parsed.blocks for edge in (block.start, block.end)]
    assert all(left <= right for left, right in pairwise([0, *edges, len(parsed.text)]))
    for block in parsed.blocks:
        said = parsed.text[block.start : block.end]
        assert said == said.strip() != ""
        assert 0 <= block.page <= parsed.page_count
    covered = "".join(parsed.text[block.start : block.end] for block in parsed.blocks)
    assert "".join(covered.split()) == "".join(parsed.text.split())
