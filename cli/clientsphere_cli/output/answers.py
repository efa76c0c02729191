"""Answers with their citations, and passages, laid out for reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clientsphere_cli.model.answers import Answer, Citation, Passage
from clientsphere_cli.output.terminal import one_line, plain

_SHOWN_QUOTE_CHARS = 400


def answer_text(answer: Answer) -> Text:
    """A declined answer is no error: it reads like any other, only quieter."""
    return plain(answer.answer.strip(), style="" if answer.answered else "yellow")


def citation_list(citations: Iterable[Citation]) -> RenderableType:
    """Each cited passage once: its number, its place, and under them what is quoted from it."""
    grid = _numbered_grid()
    in_order = sorted(citations, key=lambda citation: (citation.number, citation.start))
    for number, cited in groupby(in_order, key=lambda citation: citation.number):
        quotes = list(cited)
        grid.add_row(
            Text(f"[{number}]", style="cyan"),
            Group(place(quotes[0]), *(_quotation(citation.quote) for citation in quotes)),
        )
    return grid


def passage_list(passages: Sequence[Passage]) -> RenderableType:
    grid = _numbered_grid()
    for passage in passages:
        text = plain(_shortened(one_line(passage.text)), style="dim")
        grid.add_row(Text(f"{passage.rank}.", style="cyan"), Group(place(passage), text))
    return grid


def place(found: Citation | Passage) -> Text:
    """Document, page and headings: "handbook.pdf, page 2 · Leave > Annual leave"."""
    text = plain(one_line(found.document_name), style="bold")
    if found.page:
        text.append(f", page {found.page}", style="bold")
    if found.heading_path:
        text.append(" · " + " > ".join(one_line(part) for part in found.heading_path))
    return text


def _quotation(quote: str) -> Text:
    return Text(f"“{_shortened(one_line(quote))}”", style="dim italic")


def _shortened(text: str) -> str:
    """Cut at a word."""
    if len(text) <= _SHOWN_QUOTE_CHARS:
        return text
    return text[:_SHOWN_QUOTE_CHARS].rsplit(" ", 1)[0] + " …"


def _numbered_grid() -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
