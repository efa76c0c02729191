"""HTML to text: what a reader sees, as headings, paragraphs, list items and table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingestion.parsing.decoding import decode_text
from ingestion.parsing.model import BlockKind, ParsedDocument
from ingestion.parsing.tables import Grid, looks_like_header, table_lines
from ingestion.parsing.text_builder import TextBuilder
from ingestion.parsing.visibility import remove_unseen

_HEADING_LEVEL = {f"h{level}": level for level in range(1, 7)}
_KIND_OF_TAG = {"li": BlockKind.LIST_ITEM, "pre": BlockKind.CODE}
_TAGS_WITH_A_KIND = _KIND_OF_TAG.keys() | _HEADING_LEVEL.keys()
_BLOCK_TAGS = _TAGS_WITH_A_KIND | {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details"),
    *("dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header"),
    *("hr", "legend", "main", "ol", "p", "section", "summary", "table", "tbody", "td", "tfoot"),
    *("th", "thead", "tr", "ul"),
}
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"\s+")
_CHARSET_WITHIN_BYTES = 2048


def parse_html(path: Path, builder: TextBuilder) -> ParsedDocument:
    add_html(_decode(path.read_bytes()), builder)
    return builder.build()


def add_html(html: str, builder: TextBuilder) -> None:
    """Append the blocks of a page or of a fragment."""
    body = LexborHTMLParser(html).body
    if body is None:
        return
    remove_unseen(body)
    writer = _Writer(builder)
    for node, is_closing in _events(body):
        writer.close(node) if is_closing else writer.open(node)


def _decode(encoded: bytes) -> str:
    """Valid UTF-8 is UTF-8, whatever the page declares; a wrong declaration is no failure."""
    declared = _CHARSET.search(encoded[:_CHARSET_WITHIN_BYTES])
    try:
        return decode_text(encoded, fallback=declared.group(1).decode() if declared else "cp1252")
    except (LookupError, UnicodeDecodeError):
        return encoded.decode("cp1252", errors="replace")


def _events(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Each node when it opens (False) and when it closes (True); no recursion, pages nest deep."""
    node = root
    while True:
        yield node, False
        if node.first_child is not None:
            node = node.first_child
            continue
        yield node, True
        while node.next is None or node.mem_id == root.mem_id:
            if node.mem_id == root.mem_id or node.parent is None:
                return
            node = node.parent
            yield node, True
        node = node.next


class _Table:
    """Rows of one table as they are read."""

    def __init__(self) -> None:
        self.is_inside_row = False
        self._grid = Grid()
        self._tags_of_rows: list[set[str]] = []

    def start_row(self) -> None:
        self.is_inside_row = True
        self._grid.start_row()
        self._tags_of_rows.append(set())

    def add_cell(self, node: LexborNode, text: str) -> None:
        tag = node.tag or ""
        self._tags_of_rows[-1].add(tag)
        self._grid.add_cell(
            text, columns=_span(node, "colspan"), rows=_span(node, "rowspan"), is_header=tag == "th"
        )

    def end_row(self) -> None:
        self.is_inside_row = False
        self._grid.end_row()

    def lines(self) -> Iterator[str]:
        rows, tags = self._grid.rows, self._tags_of_rows
        is_marked_up = any("th" in row for row in tags)
        has_header = tags[:1] == [{"th"}] if is_marked_up else looks_like_header(rows)
        return table_lines(rows, has_header=has_header)


def _span(node: LexborNode, name: str) -> int:
    declared = node.attributes.get(name) or ""
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 5 else 1


class _Writer:
    """Collects the text between the edges of blocks, and the cells of a table into its rows."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._text: list[str] = []
        self._open_tags: list[str] = []
        self._table: _Table | None = None

    def open(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if node.is_text_node:
            self._text.append(self._shown(node.text_content or ""))
        elif tag == "br":
            self._text.append("\n")
        elif tag in _BLOCK_TAGS:
            self._end_block()
            if tag in _TAGS_WITH_A_KIND:
                self._open_tags.append(tag)
            elif tag == "table":
                self._end_table()
                self._table = _Table()
            elif tag == "tr" and self._table:
                self._table.start_row()

    def close(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in {"td", "th"} and self._table:
            self._table.add_cell(node, self._take_text())
        elif tag == "tr" and self._table:
            self._table.end_row()
        elif tag == "table":
            self._end_table()
        elif tag in _BLOCK_TAGS:
            self._end_block()
        if self._open_tags and self._open_tags[-1] == tag:
            self._open_tags.pop()

    def _shown(self, text: str) -> str:
        return text if "pre" in self._open_tags else _WHITE_SPACE.sub(" ", text)

    def _take_text(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        return text

    def _end_block(self) -> None:
        if self._table and self._table.is_inside_row:
            self._text.append(" ")
            return
        tag = self._open_tags[-1] if self._open_tags else ""
        if tag in _HEADING_LEVEL:
            self._builder.add_heading(_HEADING_LEVEL[tag], self._take_text())
        else:
            self._builder.add(_KIND_OF_TAG.get(tag, BlockKind.PARAGRAPH), self._take_text())

    def _end_table(self) -> None:
        """Write the rows read so far; a table around another ends there, for it only lays out."""
        table, self._table = self._table, None
        for line in table.lines() if table else ():
            self._builder.add(BlockKind.TABLE_ROW, line)
        self._end_block()
