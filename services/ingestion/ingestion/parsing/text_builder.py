"""Puts blocks one after another into the extracted text, keeping offsets, headings and limits."""

from __future__ import annotations

from ingestion.parsing.cleaning import clean_code, clean_text
from ingestion.parsing.model import Block, BlockKind, ParsedDocument, ParseError

MAX_BLOCKS = 400_000
_MAX_TITLE_CHARS = 120  # a path travels with every chunk below it
_MAX_HEADING_DEPTH = 6
_CLOSE_KINDS = {BlockKind.LIST_ITEM, BlockKind.TABLE_ROW}


class TextBuilder:
    """Collects the blocks of one document in reading order.

    Raises ParseError `document_too_large_extracted` from the block that exceeds the limits on.
    """

    def __init__(self, max_text_bytes: int) -> None:
        self._bytes_left = max_text_bytes
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._open_headings: list[tuple[int, str]] = []
        self._heading_path: tuple[str, ...] = ()

    def add(self, kind: BlockKind, text: str, page: int = 0) -> None:
        """Append a block under the current heading, if it has a visible character."""
        cleaned = clean_code(text) if kind is BlockKind.CODE else clean_text(text)
        if not cleaned:
            return
        self._separate(kind)
        start = self._length
        self._append(cleaned)
        self._blocks.append(Block(start, self._length, page, self._heading_path, kind))
        if len(self._blocks) > MAX_BLOCKS:
            raise too_large()

    def add_heading(self, level: int, text: str, page: int = 0) -> None:
        """Append a heading and place what follows below it; level 1 is the outermost."""
        self.enter_section(level, text)
        self.add(BlockKind.HEADING, text, page)

    def enter_section(self, level: int, title: str) -> None:
        """Place what follows below a heading whose own text does not stand here."""
        shown = clean_text(title).replace("\n", " ")
        if not shown:
            return
        if len(shown) > _MAX_TITLE_CHARS:
            shown = shown[: _MAX_TITLE_CHARS - 1].rstrip() + "\u2026"
        outer = [heading for heading in self._open_headings if heading[0] < level]
        self._open_headings = [*outer[: _MAX_HEADING_DEPTH - 1], (level, shown)]
        self._heading_path = tuple(title for _, title in self._open_headings)

    def build(self, page_count: int = 0) -> ParsedDocument:
        return ParsedDocument("".join(self._parts), tuple(self._blocks), page_count)

    def _separate(self, kind: BlockKind) -> None:
        if self._blocks:
            is_close = kind in _CLOSE_KINDS and self._blocks[-1].kind is kind
            self._append("\n" if is_close else "\n\n")

    def _append(self, part: str) -> None:
        self._bytes_left -= len(part.encode())
        if self._bytes_left < 0:
            raise too_large()
        self._parts.append(part)
        self._length += len(part)


def too_large() -> ParseError:
    return ParseError(
        "document_too_large_extracted",
        "The document holds more text than one document may. Split it and upload the parts.",
    )
