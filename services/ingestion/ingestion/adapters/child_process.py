"""Parses documents in child processes within fixed limits."""

from __future__ import annotations

from pathlib import Path

from ingestion.parsing.model import MediaType, ParsedDocument, ParseLimits
from ingestion.parsing.sandbox import parse_in_child


class ChildProcessParser:
    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits

    async def parse(self, path: Path, media_type: str) -> ParsedDocument:
        return await parse_in_child(path, MediaType(media_type), self._limits)
