"""Bytes to characters for the text formats."""

from __future__ import annotations

import codecs


def decode_text(encoded: bytes, *, fallback: str = "cp1252", is_complete: bool = True) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, else `fallback`.

    A prefix (`is_complete` false) may end inside a character. Raises UnicodeDecodeError, and
    LookupError for a `fallback` that is no encoding.
    """
    if encoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")().decode(encoded, final=is_complete)
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(encoded, final=is_complete)
    except UnicodeDecodeError:
        return encoded.decode(fallback)
