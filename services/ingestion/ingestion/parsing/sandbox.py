"""Parses each document in a process of its own, so that a hostile file can only hurt itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from ingestion.parsing.child import EXIT_OUT_OF_MEMORY
from ingestion.parsing.model import MediaType, ParsedDocument, ParseError, ParseLimits
from ingestion.parsing.text_builder import MAX_BLOCKS, too_large
from ingestion.parsing.wire import decode_frame, max_frame_bytes

# Native libraries abort when an allocation fails; the kernel kills when the whole machine is short.
_OUT_OF_MEMORY = {EXIT_OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGKILL}

_log = structlog.get_logger(__name__)


async def parse_in_child(
    path: Path, media_type: MediaType, limits: ParseLimits, *, python: str = sys.executable
) -> ParsedDocument:
    """The text and blocks of the file at `path`, read by another process of the interpreter.

    Raises ParseError with a code of the format, or `parse_timeout`, `parse_memory_exceeded`,
    `parse_crashed`, `document_too_large_extracted`. Whatever happens, cancellation included, no
    process is left behind.
    """
    transport, child = await _start([python, *_arguments(path, media_type, limits)], limits)
    try:
        async with asyncio.timeout(limits.wall_s):
            await child.has_answered.wait()
    except TimeoutError as error:
        raise _timeout() from error
    finally:
        await _end(transport, child)
    if child.has_overflowed:
        raise too_large()
    return_code = transport.get_returncode()
    if return_code != 0:
        _log.warning("parser_died", media_type=media_type, return_code=return_code)
        raise _died(return_code)
    try:
        return await asyncio.to_thread(decode_frame, child.output)
    except ValueError as error:
        raise _crashed() from error


class _Child(asyncio.SubprocessProtocol):
    """What the child has written, until it ended or wrote more than any document needs."""

    def __init__(self, max_bytes: int) -> None:
        self.output = bytearray()
        self.has_answered = asyncio.Event()
        self.has_ended = asyncio.Event()
        self.has_overflowed = False
        self._max_bytes = max_bytes

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.output += data
        if len(self.output) > self._max_bytes:
            self.has_overflowed = True
            self.output.clear()
            self.has_answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_answered.set()
        self.has_ended.set()


def _arguments(path: Path, media_type: MediaType, limits: ParseLimits) -> list[str]:
    child = ["-I", "-X", "utf8", "-m", "ingestion.parsing.child"]
    return [*child, str(path.absolute()), media_type.value, json.dumps(asdict(limits))]


async def _start(
    command: list[str], limits: ParseLimits
) -> tuple[asyncio.SubprocessTransport, _Child]:
    max_bytes = max_frame_bytes(limits.max_text_bytes, MAX_BLOCKS)
    return await asyncio.get_running_loop().subprocess_exec(
        lambda: _Child(max_bytes),
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
        env={},
        start_new_session=True,
    )


async def _end(transport: asyncio.SubprocessTransport, child: _Child) -> None:
    """Kill whatever still runs of the child's session, and wait until the kernel forgot it."""
    if transport.get_returncode() is None:
        with suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
    transport.close()
    await child.has_ended.wait()


def _died(return_code: int | None) -> ParseError:
    if return_code == -signal.SIGXCPU:
        return _timeout()
    if return_code in _OUT_OF_MEMORY:
        return ParseError(
            "parse_memory_exceeded",
            "Reading the document takes more memory than one document may. "
            "Split it, or remove large embedded objects, and upload it again.",
        )
    return _crashed()


def _timeout() -> ParseError:
    return ParseError(
        "parse_timeout",
        "Reading the document takes longer than one document may. Split it and upload the parts.",
    )


def _crashed() -> ParseError:
    return ParseError(
        "parse_crashed",
        "The document made its reader fail, as damaged or very unusual files do. "
        "Save it anew with another program and upload the result.",
    )
