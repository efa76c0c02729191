"""What a file is, told from its first bytes: names and declared types can lie."""

from __future__ import annotations

import re
from pathlib import PurePath

from clientsphere_common.errors import InvalidInputError, UnsupportedTypeError
from ingestion.parsing.decoding import decode_text
from ingestion.parsing.model import MediaType

PREFIX_BYTES = 8192
"""How much of a file `detect_media_type` wants to see; less is fine when the file is shorter."""

_SUPPORTED = "PDF, DOCX, HTML, Markdown, plain text and CSV"
_SEARCHED_FOR_PDF_BYTES = 1024  # readers accept that much before the header
_TEXT_TYPE_OF_SUFFIX = {
    ".htm": MediaType.HTML,
    ".html": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.CSV,
}
_FOREIGN_FORMATS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file (save it as DOCX)"),
    (b"{\\rtf", "an RTF file (save it as DOCX)"),
    (b"%!PS", "a PostScript file (save it as PDF)"),
    (b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (b"7z\xbc\xaf", "a 7z archive (unpack it first)"),
    (b"Rar!", "a RAR archive (unpack it first)"),
)
_ZIP_ENTRY = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
# Atomic: comments that never end in a doctype must not be tried in every grouping.
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>)?(?>\s*<!--.*?-->)*+\s*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f]")
_MAX_CONTROL_SHARE = 0.01


def detect_media_type(name: str, first_bytes: bytes) -> MediaType:
    """The type of the file `name` that starts with `first_bytes` (`PREFIX_BYTES` of it, or all).

    The bytes decide; among text formats the name does. Raises InvalidInputError `empty_file` and
    UnsupportedTypeError `unsupported_type`.
    """
    if not first_bytes:
        raise InvalidInputError("empty_file", f"{name!r} is empty: there is nothing to read in it.")
    suffix = PurePath(name).suffix.lower()
    if _is_pdf(first_bytes, suffix):
        return MediaType.PDF
    if first_bytes.startswith(b"PK\x03\x04"):
        return _type_of_zip(name, suffix, first_bytes)
    for magic, description in _FOREIGN_FORMATS:
        if first_bytes.startswith(magic):
            raise _unsupported(name, f"is {description}")
    if suffix in {".pdf", ".docx"}:
        raise _unsupported(name, f"is not a {suffix[1:].upper()} file, although its name says so")
    return _type_of_text(name, suffix, first_bytes)


def _is_pdf(first_bytes: bytes, suffix: str) -> bool:
    if first_bytes.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return True
    return suffix == ".pdf" and b"%PDF-" in first_bytes[:_SEARCHED_FOR_PDF_BYTES]


def _type_of_zip(name: str, suffix: str, first_bytes: bytes) -> MediaType:
    """A prefix shows only the first entries; the parser looks at all of them."""
    entries = [
        first_bytes[found.end() : found.end() + int.from_bytes(found.group(1), "little")]
        for found in _ZIP_ENTRY.finditer(first_bytes)
    ]
    if any(entry.startswith(b"word/") for entry in entries):
        return MediaType.DOCX
    if any(entry.startswith((b"xl/", b"ppt/")) for entry in entries):
        raise _unsupported(name, "is a spreadsheet or presentation (export it as CSV or PDF)")
    if suffix == ".docx":
        return MediaType.DOCX
    raise _unsupported(name, "is a zip archive or something packed like one (unpack it first)")


def _type_of_text(name: str, suffix: str, first_bytes: bytes) -> MediaType:
    try:
        text = decode_text(first_bytes, is_complete=False)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(_CONTROLS.findall(text)) > len(text) * _MAX_CONTROL_SHARE:
        raise _unsupported(name, "is a binary file of a type that is not read here")
    if _HTML_START.match(text):
        return MediaType.HTML
    return _TEXT_TYPE_OF_SUFFIX.get(suffix, MediaType.TEXT)


def _unsupported(name: str, what_it_is: str) -> UnsupportedTypeError:
    return UnsupportedTypeError(
        "unsupported_type", f"{name!r} {what_it_is}. Supported are {_SUPPORTED}."
    )
