"""What parsing gives: extracted text cut into blocks, or a reason that a person understands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MediaType(StrEnum):
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    CSV = "text/csv"


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` of its document, in Unicode code points, without white space at its ends.

    `page` counts from 1 and is 0 when the format has no pages. `heading_path` runs from the
    outermost heading to the innermost; a heading is the last of its own path.
    """

    start: int
    end: int
    page: int
    heading_path: tuple[str, ...]
    kind: BlockKind


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """`text` is in NFC, without invisible characters; `blocks` cover all that is not white space.

    Blocks stand in reading order and never overlap. `page_count` is 0 without pages.
    """

    text: str
    blocks: tuple[Block, ...]
    page_count: int


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one document may cost before parsing it is given up."""

    memory_bytes: int = 512 * 1024 * 1024
    cpu_s: int = 30
    wall_s: float = 45.0
    max_text_bytes: int = 20_000_000


class ParseError(Exception):
    """This file cannot be used: `code` is stable, `message` says what happened and what to do.

    Not a ServiceError: nobody's call failed. The document did, and keeps code and message.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
