"""The two consoles, and text from elsewhere made safe to print on them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from clientsphere_cli.output.block import Block

_READABLE_COLUMNS = 100
_WIDE_COLUMNS = 100


def stdout() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    return Console(highlight=False, markup=False, emoji=False, stderr=True)


def print_error(message: str) -> None:
    """One line, however long: a pipe or a log must not find it broken in two."""
    line = Text.assemble(("Error: ", "bold red"), plain(message))
    stderr().print(line, soft_wrap=True)


def show(content: RenderableType, *, width: int | None = None) -> None:
    """Print on standard output, without spaces at the ends of lines."""
    stdout().print(Block(content), width=width)


def plain(text: str, style: str = "") -> Text:
    """Text of documents, files and servers: nothing in it reaches the terminal as a command."""
    return Text(printable(text), style=style)


def printable(text: str) -> str:
    """`text` with every control and format character but the line feed turned into a space."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def reading_width(console: Console) -> int:
    """Lines longer than this are hard to read, however wide the terminal is."""
    return min(console.width, _READABLE_COLUMNS)


def is_wide(console: Console) -> bool:
    """Whether tables have room for everything, and two texts stand side by side."""
    return console.width >= _WIDE_COLUMNS


def command_name() -> str:
    """The command as the user has to type it here: with its path when it is not on PATH."""
    invoked = Path(sys.argv[0])
    on_path = shutil.which("clientsphere")
    if invoked.name != "clientsphere" or (on_path and invoked.samefile(on_path)):
        return "clientsphere"
    return os.path.relpath(invoked)


def listing(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """A table without lines; the columns named in `numbers` are set flush right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        is_number = column in numbers
        table.add_column(
            column,
            justify="right" if is_number else "left",
            no_wrap=is_number or column == "Id",
            overflow="fold",
        )
    return table
