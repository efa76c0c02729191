"""Renders a manual as a PDF that looks like a company's and has the same bytes every time."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    HRFlowable,
    ListFlowable,
    PageTemplate,
)
from reportlab.platypus import Paragraph as PdfParagraph
from reportlab.platypus import Table as PdfTable

from tools.samples.manual import Block, Heading, Listing, Manual, Note, Paragraph, Table

_MARGIN = 24 * mm
_TEXT_WIDTH = A4[0] - 2 * _MARGIN
_CELL_PADDING = 6
_GREY = HexColor("#5a6b76")
_PALE = HexColor("#f1f5f6")
_LINE = HexColor("#d5dde1")

_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14.5, spaceAfter=7)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=9, leading=12, spaceAfter=0)
_HEAD_CELL = ParagraphStyle("head cell", parent=_CELL, fontName="Helvetica-Bold", textColor=white)


def render_pdf(manual: Manual) -> bytes:
    """Lay the manual out on A4 pages with running lines and an outline of its headings."""
    target = BytesIO()
    document = BaseDocTemplate(
        target,
        pagesize=A4,
        title=manual.title,
        author=manual.company,
        subject=manual.subtitle,
        creator=manual.company,
        lang="en",
        invariant=1,
    )
    frame = Frame(_MARGIN, _MARGIN, _TEXT_WIDTH, A4[1] - 2 * _MARGIN, 0, 0, 0, 0)
    running = _RunningLines(manual)
    document.addPageTemplates(
        PageTemplate(frames=[frame], onPage=running.draw_header, onPageEnd=running.draw_footer)
    )
    accent = HexColor(manual.accent)
    body = [flowable for block in manual.blocks for flowable in _to_flowables(block, accent)]
    document.afterFlowable = _OutlineWriter(document).note
    document.build([*_title_block(manual, accent), *body])
    return target.getvalue()


class _RunningLines:
    """The lines above and below the text of each page."""

    def __init__(self, manual: Manual) -> None:
        self._manual = manual

    def draw_header(self, canvas: Any, document: Any) -> None:
        self._draw(canvas, A4[1] - 14 * mm, (self._manual.company, self._manual.title))

    def draw_footer(self, canvas: Any, document: Any) -> None:
        left = f"Version {self._manual.version}, {self._manual.classification.lower()}"
        self._draw(canvas, 12 * mm, (left, f"Page {document.page}"))

    def _draw(self, canvas: Any, height: float, texts: tuple[str, str]) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(_GREY)
        canvas.drawString(_MARGIN, height, texts[0])
        canvas.drawRightString(A4[0] - _MARGIN, height, texts[1])


class _OutlineWriter:
    """Adds an outline entry for each heading once it has found its place on a page."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._count = 0

    def note(self, flowable: Flowable) -> None:
        level = getattr(flowable, "outline_level", None)
        if level is None:
            return
        self._count += 1
        key = f"heading-{self._count}"
        canvas = self._document.canv
        canvas.bookmarkPage(key)
        canvas.addOutlineEntry(flowable.getPlainText(), key, level=level)


def _title_block(manual: Manual, accent: Any) -> list[Flowable]:
    company = ParagraphStyle("company", parent=_BODY, fontName="Helvetica-Bold", textColor=accent)
    title = ParagraphStyle(
        "title", parent=_BODY, fontName="Helvetica-Bold", fontSize=25, leading=30, spaceAfter=4
    )
    subtitle = ParagraphStyle("subtitle", parent=_BODY, fontSize=11.5, leading=16, textColor=_GREY)
    validity = f"Version {manual.version}, valid from {manual.valid_from}. {manual.classification}."
    return [
        PdfParagraph(escape(manual.company), company),
        PdfParagraph(escape(manual.title), title),
        PdfParagraph(escape(manual.subtitle), subtitle),
        HRFlowable(width="100%", thickness=2, color=accent, spaceBefore=4, spaceAfter=6),
        PdfParagraph(escape(validity), ParagraphStyle("validity", parent=_BODY, textColor=_GREY)),
    ]


def _to_flowables(block: Block, accent: Any) -> list[Flowable]:
    match block:
        case Heading():
            return [_heading(block, accent)]
        case Paragraph(text):
            return [PdfParagraph(escape(text), _BODY)]
        case Note(text):
            return [PdfParagraph(escape(text), _note_style(accent))]
        case Listing():
            return [_listing(block)]
        case Table():
            return [_table(block, accent)]


def _heading(heading: Heading, accent: Any) -> Flowable:
    size = 15 if heading.level == 1 else 11.5
    style = ParagraphStyle(
        "heading",
        parent=_BODY,
        fontName="Helvetica-Bold",
        fontSize=size,
        leading=size * 1.3,
        textColor=accent,
        spaceBefore=size * 0.8,
        spaceAfter=5,
        keepWithNext=1,
    )
    paragraph = PdfParagraph(escape(heading.text), style)
    paragraph.outline_level = heading.level - 1
    return paragraph


def _note_style(accent: Any) -> ParagraphStyle:
    return ParagraphStyle(
        "note",
        parent=_BODY,
        backColor=_PALE,
        borderColor=accent,
        borderWidth=0.6,
        borderPadding=7,
        leftIndent=8,
        rightIndent=8,
        spaceBefore=16,
        spaceAfter=18,
    )


def _listing(listing: Listing) -> Flowable:
    item_style = ParagraphStyle("item", parent=_BODY, spaceAfter=2)
    return ListFlowable(
        [PdfParagraph(escape(item), item_style) for item in listing.items],
        bulletType="1" if listing.is_numbered else "bullet",
        bulletFontSize=_BODY.fontSize,
        leftIndent=14,
        spaceAfter=_BODY.spaceAfter,
    )


def _table(table: Table, accent: Any) -> Flowable:
    cells = [[PdfParagraph(escape(text), _HEAD_CELL) for text in table.header]]
    cells += [[PdfParagraph(escape(text), _CELL) for text in row] for row in table.rows]
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), accent),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, _PALE]),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("NOSPLIT", (0, 0), (-1, -1)),
    ]
    return PdfTable(
        cells, colWidths=_column_widths(table), style=style, spaceBefore=4, spaceAfter=11
    )


def _column_widths(table: Table) -> list[float]:
    """Share the text width in proportion to the longest cell, so that rows stay on one line."""
    columns = zip(table.header, *table.rows, strict=True)
    longest = [
        max(stringWidth(text, "Helvetica-Bold", _CELL.fontSize) for text in column)
        + 2 * _CELL_PADDING
        for column in columns
    ]
    return [_TEXT_WIDTH * width / sum(longest) for width in longest]
