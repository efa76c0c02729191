"""Something to print, moved to the right, without the spaces that fill lines up to their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment


@dataclass(frozen=True)
class Block:
    """Tables and paddings fill their lines: a pipe would carry the spaces along."""

    content: RenderableType
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=options.max_width - self.indent)
        for line in console.render_lines(self.content, inner, pad=False):
            if segments := list(_trimmed(line)):
                yield Segment(" " * self.indent)
                yield from segments
            yield Segment.line()


def _trimmed(line: Sequence[Segment]) -> Iterator[Segment]:
    last = max((index for index, one in enumerate(line) if one.text.strip()), default=-1)
    yield from line[:last]
    if last >= 0:
        yield Segment(line[last].text.rstrip(), line[last].style)
