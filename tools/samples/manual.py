"""What a sample document says, read from Markdown, before it becomes a PDF or a DOCX."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode


@dataclass(frozen=True)
class Heading:
    """`level` 1 is a section, 2 a subsection; the title of the document is none of them."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Note:
    """A paragraph that stands out."""

    text: str


@dataclass(frozen=True)
class Listing:
    items: tuple[str, ...]
    is_numbered: bool


@dataclass(frozen=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Note | Listing | Table


@dataclass(frozen=True)
class Manual:
    """A document of a company: front matter and blocks; `accent` is a colour as #rrggbb."""

    company: str
    title: str
    subtitle: str
    version: str
    valid_from: str
    accent: str
    classification: str
    blocks: tuple[Block, ...]


def read_manual(path: Path) -> Manual:
    """Read TOML front matter between +++ lines, then Markdown without inline markup.

    Raises ValueError for Markdown that the renderers have no shape for.
    """
    _, front_matter, body = path.read_text(encoding="utf-8").split("+++\n", maxsplit=2)
    tree = SyntaxTreeNode(MarkdownIt().enable("table").parse(body))
    blocks = tuple(_to_block(node) for node in tree.children)
    return Manual(blocks=blocks, **tomllib.loads(front_matter))


def _to_block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return Heading(level=int(node.tag[1:]) - 1, text=_text(node))
        case "paragraph":
            return Paragraph(_text(node))
        case "blockquote":
            return Note(_text(node))
        case "bullet_list" | "ordered_list":
            items = tuple(_text(item) for item in node.children)
            return Listing(items, is_numbered=node.type == "ordered_list")
        case "table":
            header, *rows = (tuple(_text(cell) for cell in row.children) for row in _rows(node))
            return Table(header, tuple(rows))
        case other:
            raise ValueError(f"no shape for Markdown of type {other!r}")


def _rows(table: SyntaxTreeNode) -> list[SyntaxTreeNode]:
    return [node for node in table.walk() if node.type == "tr"]


def _text(node: SyntaxTreeNode) -> str:
    contents = (inner.content for inner in node.walk() if inner.type == "inline")
    return " ".join(" ".join(contents).split())
