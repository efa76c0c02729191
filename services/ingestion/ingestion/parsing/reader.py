"""Reads one file by its type; runs where untrusted bytes may be parsed, in the child process."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ingestion.parsing.model import MediaType, ParsedDocument, ParseError
from ingestion.parsing.text_builder import TextBuilder

_Parser = Callable[[Path, TextBuilder], ParsedDocument]

# By name: a child reads one file, and importing the libraries of all formats takes longer.
_PARSER_OF_TYPE = {
    MediaType.PDF: ("pdf", "parse_pdf"),
    MediaType.DOCX: ("docx_document", "parse_docx"),
    MediaType.HTML: ("html", "parse_html"),
    MediaType.MARKDOWN: ("markdown", "parse_markdown"),
    MediaType.TEXT: ("text", "parse_text"),
    MediaType.CSV: ("csv_table", "parse_csv"),
}


def read_document(path: Path, media_type: MediaType, max_text_bytes: int) -> ParsedDocument:
    """The text and blocks of the file. Raises ParseError with a code of its format, or
    `document_without_text`."""
    module_name, function_name = _PARSER_OF_TYPE[media_type]
    module = import_module(f"ingestion.parsing.{module_name}")
    parse: _Parser = getattr(module, function_name)
    document = parse(path, TextBuilder(max_text_bytes))
    if not document.blocks:
        raise ParseError(
            "document_without_text", "The document holds no text that could be searched."
        )
    return document
