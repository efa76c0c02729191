"""Renders a manual as a DOCX with the same bytes every time."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as WordDocument
from docx.shared import Cm, Pt, RGBColor

from tools.samples.manual import Block, Heading, Listing, Manual, Note, Paragraph, Table

_SAVED_AT = datetime(2026, 1, 1)  # noqa: DTZ001 - core properties of a DOCX carry no time zone
_UNIX = 3  # in ZipInfo.create_system, whose default depends on the machine
_CELL_PADDING_CHARS = 9
_LONGEST_LINE_CHARS = 26
_PAGE_WIDTH = Cm(21)
_MARGIN = Cm(2.4)
_TEXT_WIDTH = _PAGE_WIDTH - 2 * _MARGIN


def render_docx(manual: Manual) -> bytes:
    """Write the manual with Word's own heading, list and table styles.

    Its style for numbered lists counts on from one list to the next: a manual has at most one.
    """
    document = Document()
    _set_properties(document, manual)
    _set_look(document, manual)
    document.add_heading(manual.title, level=0)
    document.add_paragraph(manual.subtitle, style="Subtitle")
    document.add_paragraph(
        f"Version {manual.version}, valid from {manual.valid_from}. {manual.classification}."
    )
    for block in manual.blocks:
        _add_block(document, block)
    target = BytesIO()
    document.save(target)
    return _without_times(target.getvalue())


def _set_properties(document: WordDocument, manual: Manual) -> None:
    properties = document.core_properties
    properties.title = manual.title
    properties.subject = manual.subtitle
    properties.author = properties.last_modified_by = manual.company
    properties.comments = ""
    properties.created = properties.modified = _SAVED_AT


def _set_look(document: WordDocument, manual: Manual) -> None:
    accent = RGBColor.from_string(manual.accent.removeprefix("#"))
    normal = document.styles["Normal"]
    normal.font.name = "Calibri"
    normal.font.size = Pt(11)
    for name in ("Title", "Subtitle", "Heading 1", "Heading 2"):
        document.styles[name].font.color.rgb = accent
    section = document.sections[0]
    section.page_width, section.page_height = _PAGE_WIDTH, Cm(29.7)
    section.left_margin = section.right_margin = _MARGIN
    section.header.paragraphs[0].text = manual.company
    section.footer.paragraphs[0].text = f"{manual.title}, version {manual.version}"


def _add_block(document: WordDocument, block: Block) -> None:
    match block:
        case Heading(level, text):
            document.add_heading(text, level=level)
        case Paragraph(text):
            document.add_paragraph(text)
        case Note(text):
            document.add_paragraph(text, style="Intense Quote")
        case Listing(items, is_numbered):
            for item in items:
                document.add_paragraph(item, style="List Number" if is_numbered else "List Bullet")
        case Table():
            _add_table(document, block)


def _add_table(document: WordDocument, table: Table) -> None:
    grid = document.add_table(rows=0, cols=len(table.header), style="Light List Accent 1")
    widths = _column_widths(table)
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for texts in (table.header, *table.rows):
        for cell, text, width in zip(grid.add_row().cells, texts, widths, strict=True):
            cell.text = text
            cell.width = width
    document.add_paragraph()


def _column_widths(table: Table) -> list[int]:
    """Share the text width by the longest cells; longer than the limit, a cell wraps."""
    columns = zip(table.header, *table.rows, strict=True)
    shares = [
        min(max(len(text) for text in column), _LONGEST_LINE_CHARS) + _CELL_PADDING_CHARS
        for column in columns
    ]
    return [_TEXT_WIDTH * share // sum(shares) for share in shares]


def _without_times(package: bytes) -> bytes:
    """Repack the archive: python-docx stamps each member with the time of saving."""
    target = BytesIO()
    with ZipFile(BytesIO(package)) as source, ZipFile(target, "w") as repacked:
        for name in source.namelist():
            member = ZipInfo(name)
            member.create_system = _UNIX
            repacked.writestr(member, source.read(name), compress_type=ZIP_DEFLATED)
    return target.getvalue()
