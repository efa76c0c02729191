"""Real child processes with real files, some of them hostile."""

from __future__ import annotations

import asyncio
import io
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from reportlab.pdfgen.canvas import Canvas

from ingestion.parsing.model import MediaType, ParseError, ParseLimits
from ingestion.parsing.sandbox import parse_in_child
from tests.harness.children import OwnChildren

LIMITS = ParseLimits()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d\xf6cument with spaces"


async def refusal(path: Path, media_type: MediaType, limits: ParseLimits = LIMITS) -> ParseError:
    with pytest.raises(ParseError) as refused:
        await parse_in_child(path, media_type, limits)
    return refused.value


@pytest.fixture(autouse=True)
def _no_child_is_left(own_children: OwnChildren) -> Iterator[None]:
    yield
    assert own_children() == []


def pdf_saying(text: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 700, text)
    canvas.save()
    return buffer.getvalue()


def pdf_with_content(compressed: bytes, filters: str) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        f"<< /Length {len(compressed)} /Filter [{filters}] >>\nstream\n".encode()
        + compressed
        + b"\nendstream",
    ]
    body = b"%PDF-1.4\n"
    for number, content in enumerate(objects, start=1):
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    return body + b"trailer << /Size 5 /Root 1 0 R >>\n%%EOF"


def compressed_spaces(mebibytes: int) -> bytes:
    """A zlib stream made by repetition of one flushed block; only its checksum is wrong."""
    compressor = zlib.compressobj(9)

    def flushed_block() -> bytes:
        return compressor.compress(b" " * (1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)

    return flushed_block() + flushed_block() * (mebibytes - 1) + compressor.flush()


class TestParseInChild:
    async def test_a_document_comes_back_with_text_and_blocks(self, path: Path) -> None:
        path.write_bytes(pdf_saying("Hello world."))
        parsed = await parse_in_child(path, MediaType.PDF, LIMITS)
        assert (parsed.text, parsed.page_count, len(parsed.blocks)) == ("Hello world.", 1, 1)

    async def test_a_relative_path_is_found(self, path: Path) -> None:
        path.write_text("Hello")
        relative = Path(os.path.relpath(path))
        assert (await parse_in_child(relative, MediaType.TEXT, LIMITS)).text == "Hello"

    async def test_the_error_of_the_parser_comes_back(self, path: Path) -> None:
        path.write_bytes(b"%PDF-1.7 and nothing else")
        error = await refusal(path, MediaType.PDF)
        assert error.code == "pdf_broken"
        assert "save or print it as PDF anew" in error.message

    async def test_documents_are_parsed_beside_one_another(self, tmp_path: Path) -> None:
        paths = [tmp_path / f"{number}.txt" for number in range(8)]
        for each in paths:
            each.write_text(each.name)
        parsed = await asyncio.gather(
            *(parse_in_child(each, MediaType.TEXT, LIMITS) for each in paths)
        )
        assert [document.text for document in parsed] == [each.name for each in paths]

    async def test_a_file_that_is_gone_is_a_crash_not_a_hang(self, path: Path) -> None:
        assert (await refusal(path, MediaType.TEXT)).code == "parse_crashed"


class TestLimits:
    async def test_a_small_pdf_that_unpacks_to_gigabytes_is_given_up(self, path: Path) -> None:
        path.write_bytes(pdf_with_content(compressed_spaces(2048), "/FlateDecode"))
        assert path.stat().st_size < 3_000_000
        started = time.monotonic()
        assert (await refusal(path, MediaType.PDF)).code == "parse_memory_exceeded"
        assert time.monotonic() - started < LIMITS.wall_s

    async def test_a_pdf_of_a_kilobyte_that_unpacks_twice_is_given_up(self, path: Path) -> None:
        twice = zlib.compress(compressed_spaces(512), 9)
        path.write_bytes(pdf_with_content(twice, "/FlateDecode /FlateDecode"))
        assert path.stat().st_size < 3_000
        assert (await refusal(path, MediaType.PDF)).code == "parse_memory_exceeded"

    async def test_running_out_of_memory_in_python_is_told(self, path: Path) -> None:
        path.write_bytes(b"word " * 20_000_000)
        limits = ParseLimits(memory_bytes=150_000_000, max_text_bytes=10**9)
        assert (await refusal(path, MediaType.TEXT, limits)).code == "parse_memory_exceeded"

    async def test_more_text_than_allowed_is_told(self, path: Path) -> None:
        path.write_text("word\n\n" * 1000)
        limits = ParseLimits(max_text_bytes=100)
        error = await refusal(path, MediaType.TEXT, limits)
        assert error.code == "document_too_large_extracted"

    async def test_the_processor_time_is_limited(self, path: Path) -> None:
        # A thousand open divs make each further one a thousand times as slow.
        path.write_text("<div>" * 400_000)
        error = await refusal(path, MediaType.HTML, ParseLimits(cpu_s=1))
        assert error.code == "parse_timeout"

    async def test_the_time_on_the_wall_is_limited(self, path: Path) -> None:
        os.mkfifo(path)
        error = await refusal(path, MediaType.TEXT, ParseLimits(wall_s=0.5))
        assert error.code == "parse_timeout"


class TestCancellation:
    async def test_a_cancelled_caller_leaves_no_process_behind(
        self, path: Path, own_children: OwnChildren
    ) -> None:
        os.mkfifo(path)
        parsing = asyncio.create_task(parse_in_child(path, MediaType.TEXT, LIMITS))
        while not own_children():
            await asyncio.sleep(0.01)
        parsing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await parsing


class TestUntrustworthyChild:
    async def refusal_code(self, path: Path, script: str) -> str:
        """Of a child that does what `script` says instead of parsing."""
        python = path.with_name("python")
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        limits = ParseLimits(max_text_bytes=10)
        with pytest.raises(ParseError) as refused:
            await parse_in_child(path, MediaType.TEXT, limits, python=str(python))
        return refused.value.code

    async def test_more_output_than_any_document_needs_is_cut_off(self, path: Path) -> None:
        assert await self.refusal_code(path, "exec yes") == "document_too_large_extracted"

    async def test_nonsense_is_a_crash(self, path: Path) -> None:
        assert await self.refusal_code(path, "echo nonsense") == "parse_crashed"

    async def test_a_process_it_started_ends_with_it(self, path: Path) -> None:
        grandchild = path.with_name("pid")
        script = f"sleep 600 & echo $! > {grandchild}; exec yes"
        assert await self.refusal_code(path, script) == "document_too_large_extracted"
        pid = int(grandchild.read_text())
        while is_running(pid):
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestUvloop:
    def test_everything_holds_on_uvloop_too(self, path: Path) -> None:
        uvloop = pytest.importorskip("uvloop")

        async def scenario() -> None:
            path.write_text("Hello")
            assert (await parse_in_child(path, MediaType.TEXT, LIMITS)).text == "Hello"
            path.unlink()
            os.mkfifo(path)
            error = await refusal(path, MediaType.TEXT, ParseLimits(wall_s=0.3))
            assert error.code == "parse_timeout"

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(scenario())
