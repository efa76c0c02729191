"""Looks at a zip archive's table of contents before anything unpacks it."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from ingestion.parsing.model import ParseError

_MAX_ENTRIES = 2000
_MAX_UNPACKED_BYTES = 200_000_000
_MAX_RATIO = 100
# Small entries of repetitive XML compress better than any ratio that still stops a bomb.
_RATIO_COUNTS_FROM_BYTES = 1_000_000


def check_zip(path: Path) -> set[str]:
    """The names in the archive at `path`.

    Raises ParseError `docx_unsafe` for what could fill memory or climb out of a folder, and
    `docx_broken` for what is no readable archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise docx_broken() from error
    if len(entries) > _MAX_ENTRIES or _unpacked(entries) > _MAX_UNPACKED_BYTES:
        raise _unsafe()
    if any(_is_bomb(entry) or _climbs_out(entry.filename) for entry in entries):
        raise _unsafe()
    if any(entry.flag_bits & 1 for entry in entries):
        raise docx_broken()
    return {entry.filename for entry in entries}


def docx_broken() -> ParseError:
    return ParseError(
        "docx_broken",
        "The DOCX file is damaged or incomplete. Open it in a word processor, save it anew, and "
        "upload that.",
    )


def _unsafe() -> ParseError:
    return ParseError(
        "docx_unsafe",
        "The DOCX file unpacks to far more than a document of its size should, or is built in an "
        "unusual way. Save it anew from a word processor, without large embedded objects.",
    )


def _unpacked(entries: list[zipfile.ZipInfo]) -> int:
    return sum(entry.file_size for entry in entries)


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    is_large = entry.file_size > _RATIO_COUNTS_FROM_BYTES
    return is_large and entry.file_size > _MAX_RATIO * max(entry.compress_size, 1)


def _climbs_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name
