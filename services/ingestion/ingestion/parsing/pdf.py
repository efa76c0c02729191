"""PDF to text: pdfium finds the characters, the layout modules find paragraphs and headings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pypdfium2

from ingestion.parsing.hyphenation import Dehyphenator
from ingestion.parsing.model import ParsedDocument, ParseError
from ingestion.parsing.pdf_glyphs import Line
from ingestion.parsing.pdf_kinds import kinds_of
from ingestion.parsing.pdf_layout import read_paragraphs
from ingestion.parsing.pdf_lines import read_lines
from ingestion.parsing.pdf_outline import OutlineEntry, open_sections, read_outline
from ingestion.parsing.pdf_type import open_sections_by_type
from ingestion.parsing.running_lines import drop_running_lines
from ingestion.parsing.text_builder import TextBuilder

_PASSWORD_ERRORS = {pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY}


def parse_pdf(path: Path, builder: TextBuilder) -> ParsedDocument:
    """Raises ParseError `pdf_encrypted`, `pdf_broken` or `pdf_without_text`."""
    with _opened(path) as pdf:
        outline = read_outline(pdf)
        pages = drop_running_lines([_lines_of_page(pdf, index) for index in range(len(pdf))])
    if not any(pages):
        raise ParseError(
            "pdf_without_text",
            "The PDF has pages but no text: it probably holds scanned images. "
            "Run text recognition (OCR) on it and upload the result.",
        )
    _write(pages, outline, builder)
    return builder.build(page_count=len(pages))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code in _PASSWORD_ERRORS:
            raise ParseError(
                "pdf_encrypted",
                "The PDF is protected with a password. Remove the protection and upload it again.",
            ) from error
        raise _broken() from error
    try:
        yield pdf
    finally:
        pdf.close()


def _lines_of_page(pdf: Any, index: int) -> list[Line]:
    try:
        page = pdf[index]
        try:
            return read_lines(page)
        finally:
            page.close()
    except pypdfium2.PdfiumError as error:
        raise _broken() from error


def _broken() -> ParseError:
    return ParseError(
        "pdf_broken",
        "The PDF is damaged or incomplete. Open it, save or print it as PDF anew, and upload that.",
    )


def _write(pages: list[list[Line]], outline: list[OutlineEntry], builder: TextBuilder) -> None:
    dehyphenator = Dehyphenator(line.text for lines in pages for line in lines)
    paragraphs_by_page = [read_paragraphs(lines, dehyphenator) for lines in pages]
    if outline:
        open_sections(paragraphs_by_page, outline)
    else:
        open_sections_by_type(paragraphs_by_page)
    for page, paragraphs in enumerate(paragraphs_by_page, start=1):
        for paragraph, kind in zip(paragraphs, kinds_of(paragraphs), strict=True):
            for section in paragraph.opens:
                builder.enter_section(section.level, section.title)
            builder.add(kind, paragraph.text, page)
