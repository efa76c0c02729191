"""DOCX to text: headings, paragraphs, list items and the rows of tables, in their order."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # ships no types

from ingestion.parsing.docx_runs import paragraph_text
from ingestion.parsing.docx_styles import ParagraphStyles
from ingestion.parsing.model import BlockKind, ParsedDocument, ParseError
from ingestion.parsing.tables import Grid, looks_like_header, table_lines
from ingestion.parsing.text_builder import TextBuilder
from ingestion.parsing.zip_check import check_zip, docx_broken

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT_BOX = qn("w:txbxContent")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WRAPPERS = {
    qn(name) for name in ("w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo", "w:smartTag")
}
_UNREADABLE = (OpcError, LxmlError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError)


def parse_docx(path: Path, builder: TextBuilder) -> ParsedDocument:
    """Raises ParseError `unsupported_type`, `docx_unsafe` or `docx_broken`."""
    if "word/document.xml" not in check_zip(path):
        raise ParseError(
            "unsupported_type",
            "The file is packed like a DOCX but holds no Word document. "
            "Supported are PDF, DOCX, HTML, Markdown, plain text and CSV.",
        )
    try:
        document = docx.Document(str(path))
        body, styles = document.element.body, ParagraphStyles(document.styles.element)
    except _UNREADABLE as error:
        raise docx_broken() from error
    _Writer(builder, styles).add_blocks(body)
    return builder.build()


def _unwrapped(parent: Any) -> Iterator[Any]:
    """The children of `parent`, with content controls and tracked insertions seen through."""
    for child in parent:
        if child.tag in _WRAPPERS:
            yield from _unwrapped(child)
        else:
            yield child


class _Writer:
    def __init__(self, builder: TextBuilder, styles: ParagraphStyles) -> None:
        self._builder = builder
        self._styles = styles

    def add_blocks(self, parent: Any) -> None:
        for child in _unwrapped(parent):
            if child.tag == _PARAGRAPH:
                self._add_paragraph(child)
            elif child.tag == _TABLE:
                self._add_table(child)

    def _add_paragraph(self, paragraph: Any) -> None:
        text = paragraph_text(paragraph)
        level = self._styles.heading_level(paragraph)
        if level is not None:
            self._builder.add_heading(level, text)
        else:
            is_item = self._styles.is_list_item(paragraph)
            self._builder.add(BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, text)
        for text_box in paragraph.iter(_TEXT_BOX):
            if not any(around.tag == _FALLBACK for around in text_box.iterancestors()):
                self.add_blocks(text_box)

    def _add_table(self, table: Any) -> None:
        rows = [row for row in _unwrapped(table) if row.tag == _ROW]
        cells_of_rows = [[cell for cell in _unwrapped(row) if cell.tag == _CELL] for row in rows]
        if all(len(cells) <= 1 for cells in cells_of_rows):
            # A frame around text, not a table of values.
            for cells in cells_of_rows:
                for cell in cells:
                    self.add_blocks(cell)
            return
        lines = _read_grid(cells_of_rows).rows
        is_declared = bool(rows) and rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        for line in table_lines(lines, has_header=is_declared or looks_like_header(lines)):
            self._builder.add(BlockKind.TABLE_ROW, line)


def _read_grid(cells_of_rows: list[list[Any]]) -> Grid:
    grid = Grid()
    for row_index, cells in enumerate(cells_of_rows):
        grid.start_row()
        for cell in cells:
            text = _merged_text(cell, grid) if row_index else _cell_text(cell)
            grid.add_cell(text, columns=_columns(cell), is_header=row_index == 0)
    return grid


def _columns(cell: Any) -> int:
    span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
    declared = "" if span is None else span.get(qn("w:val")) or ""
    return int(declared) if declared.isdecimal() else 1


def _merged_text(cell: Any, grid: Grid) -> str:
    """Its own text, or that of the cell above when both are merged."""
    merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    if merge is None or merge.get(qn("w:val")) == "restart":
        return _cell_text(cell)
    above, column = grid.rows[-2], len(grid.rows[-1])
    return above[column] if column < len(above) else ""


def _cell_text(cell: Any) -> str:
    """All paragraphs, those of a nested table included; text boxes are left out."""
    return " ".join(paragraph_text(paragraph) for paragraph in cell.iter(_PARAGRAPH))
