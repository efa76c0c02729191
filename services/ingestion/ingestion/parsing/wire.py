"""How a document crosses from the child process: length-prefixed JSON, checked on arrival."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import Any

from ingestion.parsing.model import Block, BlockKind, ParsedDocument, ParseError

_LENGTH = struct.Struct(">Q")
_BYTES_PER_BLOCK = 64
_KINDS = list(BlockKind)


def max_frame_bytes(max_text_bytes: int, max_blocks: int) -> int:
    """What a frame can measure within the limits: JSON at most doubles a text by escapes, and
    headings are written a second time."""
    return 3 * max_text_bytes + _BYTES_PER_BLOCK * max_blocks


def encode_document(document: ParsedDocument) -> bytes:
    paths: dict[tuple[str, ...], int] = {}
    blocks = [
        [
            block.start,
            block.end,
            block.page,
            paths.setdefault(block.heading_path, len(paths)),
            _KINDS.index(block.kind),
        ]
        for block in document.blocks
    ]
    return _frame(
        {
            "text": document.text,
            "blocks": blocks,
            "paths": list(paths),
            "page_count": document.page_count,
        }
    )


def encode_error(error: ParseError) -> bytes:
    return _frame({"error": [error.code, error.message]})


def decode_frame(frame: bytes | bytearray) -> ParsedDocument:
    """The document in `frame`. Raises the ParseError in it, and ValueError if it is malformed."""
    if len(frame) < _LENGTH.size or _LENGTH.unpack_from(frame)[0] != len(frame) - _LENGTH.size:
        raise ValueError(f"frame of {len(frame)} bytes is incomplete")
    try:
        message = json.loads(frame[_LENGTH.size :])
        if "error" in message:
            code, text = message["error"]
            raise ParseError(str(code), str(text))
        return _document(message)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError("frame does not hold a document") from error


def _document(message: dict[str, Any]) -> ParsedDocument:
    text, paths = message["text"], [tuple(path) for path in message["paths"]]
    blocks = tuple(
        Block(start, end, page, paths[path], _KINDS[kind])
        for start, end, page, path, kind in message["blocks"]
    )
    edges = [edge for block in blocks for edge in (block.start, block.end)]
    if any(left > right for left, right in pairwise([0, *edges, len(text)])):
        raise ValueError("blocks do not lie in the text in order")
    return ParsedDocument(text, blocks, message["page_count"])


def _frame(message: dict[str, Any]) -> bytes:
    payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(payload)) + payload
