"""Which files an upload means: the named ones, and in folders those that can be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clientsphere_cli.failures import CliError

READABLE_SUFFIXES = frozenset(
    {
        ".csv",
        ".docx",
        ".htm",
        ".html",
        ".markdown",
        ".md",
        ".pdf",
        ".text",
        ".tsv",
        ".txt",
        ".xhtml",
    }
)


def select_files(named: Iterable[Path]) -> list[Path]:
    """Each file once. One that is named itself is always sent: the server looks inside.

    Raises CliError when nothing is left, and when two files would overwrite each other: within a
    knowledge base a document is known by its name alone.
    """
    selected: dict[str, Path] = {}
    for path in _files(named):
        other = selected.setdefault(path.name, path)
        if other.resolve() != path.resolve():
            raise CliError(
                f"{other} and {path} have the same name, so the second would replace the first."
                " Upload them into different knowledge bases."
            )
    if not selected:
        raise CliError("There is no PDF, DOCX, HTML, Markdown, text or CSV file in there.")
    return list(selected.values())


def _files(named: Iterable[Path]) -> Iterator[Path]:
    for path in named:
        if path.is_dir():
            yield from _files_below(path)
        else:
            yield path


def _files_below(folder: Path) -> Iterator[Path]:
    """Sorted; without what is hidden."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in READABLE_SUFFIXES:
                yield Path(parent) / name
