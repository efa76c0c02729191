"""Markdown, by way of its HTML: raw HTML in it is treated with the same suspicion."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

from ingestion.parsing.html import add_html
from ingestion.parsing.model import ParsedDocument
from ingestion.parsing.text import read_text
from ingestion.parsing.text_builder import TextBuilder

_FRONT_MATTER = re.compile(r"\s*---[^\S\n]*\n.*?\n(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)


def parse_markdown(path: Path, builder: TextBuilder) -> ParsedDocument:
    """CommonMark with tables; front matter is for programs and left out."""
    text = read_text(path)
    front_matter = _FRONT_MATTER.match(text)
    body = text[front_matter.end() :] if front_matter else text
    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    add_html(renderer.render(body), builder)
    return builder.build()
