"""What a person sees on a terminal: bars, drafts, amounts, and text that cannot do harm."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from clientsphere_cli.model.library import Document, Progress
from clientsphere_cli.output.banner import print_banner
from clientsphere_cli.output.block import Block
from clientsphere_cli.output.quantities import count, moment, rate, size
from clientsphere_cli.output.terminal import command_name, one_line, printable
from clientsphere_cli.output.uploads import UploadProgress
from clientsphere_cli.output.writing import writing
from clientsphere_cli.uploading import UploadOutcome

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DOCUMENT = Document(
    id="doc_1",
    knowledge_base_id="kb_1",
    name="a.pdf",
    media_type="application/pdf",
    size_bytes=1_000,
    sha256="00",
    version=1,
    state="processing",
    progress=Progress("embedding", 128, 512),
    failure=None,
    page_count=0,
    chunk_count=0,
    created_at=AT,
    updated_at=AT,
)


def terminal(width: int = 80, height: int = 25) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None
    )


def screen(console: Console) -> str:
    """Everything that was written, with the codes that move the cursor."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class TestUploadProgress:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "a-name-that-is-too-long-for-its-column.pdf"
        path.write_bytes(b"x" * 1000)
        return path

    def test_file_that_is_being_sent_has_a_bar(self, path: Path) -> None:
        console = terminal(width=120)
        with UploadProgress(console, 2) as progress:
            progress.sending(path, 400)
        assert "a-name-that-is-too-long-for…" in screen(console)
        assert "sending, 1.0 kB" in screen(console)

    def test_file_that_waits_for_its_turn_has_none(self, path: Path) -> None:
        console = terminal(width=120)
        with UploadProgress(console, 2) as progress:
            progress.sending(path, 1000)
            progress.processing(path, replace(DOCUMENT, state="queued"))
        assert "a-name" not in screen(console)

    @pytest.mark.parametrize(
        ("reached", "said"),
        [
            (Progress("embedding", 128, 512), "chunk 128 of 512"),
            (Progress("parsing", 0, 0), "parsing"),
        ],
    )
    def test_processing_shows_chunks_or_else_the_stage(
        self, path: Path, reached: Progress, said: str
    ) -> None:
        console = terminal(width=120)
        with UploadProgress(console, 2) as progress:
            progress.processing(path, replace(DOCUMENT, progress=reached))
        assert said in screen(console)

    def test_finished_files_are_counted(self, path: Path) -> None:
        console = terminal(width=120)
        with UploadProgress(console, 2) as progress:
            progress.sending(path, 400)
            progress.finished(UploadOutcome(path, DOCUMENT, True, None, 1.0))
        assert "all files" in screen(console)
        assert "1 of 2" in screen(console)
        assert "a-name" not in screen(console)

    def test_pipe_carries_no_bars(self, tmp_path: Path) -> None:
        console = Console(file=io.StringIO())
        with UploadProgress(console, 1) as progress:
            progress.finished(UploadOutcome(tmp_path, None, False, "refused", 1.0))
        assert screen(console) == ""


class TestWriting:
    def test_draft_is_shown_and_wiped_away(self) -> None:
        console = terminal()
        with writing(console) as write:
            write("The notice ")
            write("period is 12 weeks.")
        assert "The notice period is 12 weeks." in screen(console)

    def test_draft_longer_than_the_screen_shows_its_end(self) -> None:
        console = terminal(height=6)
        with writing(console) as write:
            write("\n".join(f"line {number}" for number in range(50)))
        assert "line 49" in screen(console)
        assert "line 40" not in screen(console)

    def test_pipe_carries_no_drafts(self) -> None:
        console = Console(file=io.StringIO())
        with writing(console) as write:
            write("half an ans")
        assert screen(console) == ""


class TestBlock:
    def test_lines_are_indented_and_end_without_spaces(self) -> None:
        table = Table.grid(expand=True)
        table.add_column()
        table.add_row("one")
        table.add_row("")
        table.add_row("two words")
        console = Console(file=io.StringIO(), width=40)
        console.print(Block(table, indent=2))
        assert screen(console) == "  one\n\n  two words\n"


class TestQuantities:
    def test_amounts_read_like_sentences(self) -> None:
        assert [count(1, "page"), count(4012, "page")] == ["1 page", "4,012 pages"]

    @pytest.mark.parametrize(
        ("size_bytes", "text"),
        [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (12_345_678, "12.3 MB"),
            (5e12, "5000.0 GB"),
        ],
    )
    def test_sizes(self, size_bytes: float, text: str) -> None:
        assert size(int(size_bytes)) == text

    def test_rates(self) -> None:
        assert rate(65, "page", 10) == "6.5 pages/s"
        assert rate(44_679, "chunk", 10) == "4,468 chunks/s"
        assert rate(1, "page", 0) == "0.0 pages/s"

    def test_moments_are_in_utc(self) -> None:
        assert moment(AT) == "2026-11-22 10:00"
        assert moment(None) == ""


class TestText:
    def test_control_characters_become_spaces(self) -> None:
        assert printable("a\x1b[2Jb\u202ec\nd") == "a [2Jb c\nd"
        assert one_line(" a\n\tb  c ") == "a b c"


class TestCommandName:
    def test_command_beside_the_path_is_named_with_its_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        program = tmp_path / "bin" / "clientsphere"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["bin/clientsphere"])
        monkeypatch.setenv("PATH", "/nowhere")
        assert command_name() == "bin/clientsphere"
        monkeypatch.setenv("PATH", str(program.parent))
        assert command_name() == "clientsphere"

    def test_started_in_another_way_it_has_its_plain_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["/somewhere/__main__.py"])
        assert command_name() == "clientsphere"


class TestBanner:
    def test_data_folder_of_one_s_own_is_passed_on(self) -> None:
        console = Console(file=io.StringIO(), width=80)
        print_banner(console, "http://127.0.0.1:8080", Path("/data folder"))
        assert "    export CLIENTSPHERE_DATA_DIR='/data folder'\n" in screen(console)
        assert "http://127.0.0.1:8080/docs" in screen(console)
