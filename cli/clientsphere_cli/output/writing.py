"""Shows an answer while it is being written; the finished one is printed in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from clientsphere_cli.output.terminal import plain, reading_width

_LINES_KEPT_FREE = 2


@contextmanager
def writing(console: Console) -> Iterator[Callable[[str], None]]:
    """Takes the answer piece by piece. In a pipe nothing is shown: only the end is of use there."""
    draft = _Draft()
    with Live(draft, console=console, transient=True, refresh_per_second=15):
        yield draft.add


class _Draft:
    def __init__(self) -> None:
        self._text = ""

    def add(self, piece: str) -> None:
        self._text += piece

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The last lines that fit: a terminal cannot redraw what has left the screen."""
        lines = plain(self._text).wrap(console, reading_width(console))
        yield Text("\n").join(lines[-(console.height - _LINES_KEPT_FREE) :])
