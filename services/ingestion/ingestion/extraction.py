"""Reads the text out of a stored file, and keeps it for those who check citations."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from clientsphere_common.objects.keys import tenant_key
from clientsphere_common.objects.ports import ObjectStore
from ingestion.model import Job
from ingestion.parsing.model import ParsedDocument
from ingestion.ports import Parser


class TextExtraction:
    """A module: its scratch folder, emptied at every start, is its own."""

    name = "text extraction"

    def __init__(self, objects: ObjectStore, parser: Parser, scratch: Path) -> None:
        self._objects = objects
        self._parser = parser
        self._scratch = scratch

    async def start(self) -> None:
        await asyncio.to_thread(self._empty)

    async def stop(self) -> None:
        """Nothing stays open."""

    async def extract(self, job: Job) -> tuple[ParsedDocument, str]:
        """The parsed document, and the key under which its text is kept from now on.

        The key follows from the version, so that doing it again replaces the text. Raises
        ParseError when the file cannot be read.
        """
        async with self._local_copy(job.object_key) as path:
            parsed = await self._parser.parse(path, job.media_type)
        version = f"{job.key.document_id}.{job.key.version}"
        text_key = tenant_key(job.key.tenant_id, f"{version}.text")
        await self._objects.put(text_key, _one_piece(parsed.text.encode()))
        return parsed, text_key

    @asynccontextmanager
    async def _local_copy(self, object_key: str) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "document"
            with path.open("wb") as file:
                async for piece in self._objects.read(object_key):
                    await asyncio.to_thread(file.write, piece)
            yield path

    def _empty(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)


async def _one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content
