"""Uploading files and folders, and what is told about them at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clientsphere_cli.client import Client, open_client
from clientsphere_cli.connection import Connection
from clientsphere_cli.model.library import Document
from clientsphere_cli.uploading import UploadOutcome, Uploads
from tests.fakes.gateway_server import FakeGateway, Refusal
from tests.harness.command_line import CommandLine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files that can be read, and some that nobody means."""
    root = tmp_path / "files"
    (root / "deeper").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "a.txt").write_text("alpha")
    (root / "deeper" / "b.PDF").write_text("beta")
    (root / "program.exe").write_text("no")
    (root / ".secret.txt").write_text("no")
    (root / ".hidden" / "c.txt").write_text("no")
    return root


class TestUpload:
    def test_table_says_what_became_of_each_file(self, command: CommandLine, folder: Path) -> None:
        result = command.run("upload", str(folder / "a.txt"))
        assert result.exit_code == 0
        header, row, _, summary, rates = result.stdout.splitlines()
        assert header.split() == ["Document", "State", "Pages", "Chunks", "Time"]
        assert row.split()[:4] == ["a.txt", "ready", "3", "4"]
        assert summary.startswith("1 of 1 document ready in ")
        assert rates.startswith("3 pages and 4 chunks: ")
        assert "pages/s" in rates
        assert "chunks/s" in rates

    def test_folder_means_every_readable_file_below_it(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        assert command.run("upload", str(folder)).exit_code == 0
        assert sorted(body["file"] for body in gateway.bodies) == [b"alpha", b"beta"]

    def test_folder_without_readable_files_is_told(
        self, command: CommandLine, tmp_path: Path
    ) -> None:
        result = command.run("upload", str(tmp_path))
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: There is no PDF, DOCX,")

    def test_file_named_twice_is_sent_once(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        command.run("upload", str(folder / "a.txt"), str(folder))
        assert len(gateway.bodies) == 2

    def test_two_files_of_one_name_are_refused_before_anything_is_sent(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        (folder / "deeper" / "a.txt").write_text("other")
        result = command.run("upload", str(folder))
        assert result.exit_code == 1
        assert "have the same name" in result.stderr
        assert gateway.requests == []

    def test_refused_and_failed_files_are_explained_and_stop_no_other(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        (folder / "c.md").write_text("gamma")
        gateway.refused_files["a.txt"] = Refusal(415, "unsupported_type", "It is a picture.")
        gateway.failures["b.PDF"] = {"code": "encrypted_pdf", "message": "It needs a password."}
        result = command.run("upload", str(folder))
        assert result.exit_code == 1
        assert "a.txt: It is a picture. (unsupported_type, request req-refused)" in result.stdout
        assert "b.PDF: It needs a password. (encrypted_pdf)" in result.stdout
        assert "1 of 3 documents ready" in result.stdout
        assert "2 failed" in result.stdout

    def test_unreadable_file_stops_no_other(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        os.symlink(folder / "gone", folder / "dangling.txt")
        result = command.run("upload", str(folder))
        assert result.exit_code == 1
        assert "dangling.txt: It cannot be read: No such file or directory." in result.stdout
        assert len(gateway.bodies) == 2

    def test_same_bytes_again_are_unchanged_and_count_as_no_work(
        self, command: CommandLine, folder: Path
    ) -> None:
        command.run("upload", str(folder / "a.txt"))
        result = command.run("upload", str(folder / "a.txt"))
        assert result.exit_code == 0
        assert "ready, unchanged" in result.stdout
        assert "pages/s" not in result.stdout

    def test_no_wait_ends_when_the_server_has_the_files(
        self, command: CommandLine, folder: Path
    ) -> None:
        result = command.run("upload", "--no-wait", str(folder))
        assert result.exit_code == 0
        assert result.stdout.count("queued") == 2

    def test_knowledge_base_comes_before_the_file(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        command.run("knowledge-bases", "create", "reports")
        command.run("upload", "--knowledge-base", "reports", str(folder / "a.txt"))
        assert list(gateway.bodies[-1]) == ["knowledge_base_id", "file"]
        assert gateway.bodies[-1]["knowledge_base_id"] == f"kb_{1:032d}"

    def test_refusal_of_the_key_ends_it_all(self, gateway: FakeGateway, folder: Path) -> None:
        stranger = CommandLine(folder, gateway.url, "cs_live_wrong")
        result = stranger.run("upload", str(folder))
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr.startswith("Error: The API key is not valid. (invalid_api_key, ")

    def test_file_that_does_not_exist_is_a_usage_error(self, command: CommandLine) -> None:
        assert command.run("upload", "nowhere.pdf").exit_code == 2

    def test_busy_server_is_asked_again(
        self, command: CommandLine, gateway: FakeGateway, folder: Path
    ) -> None:
        gateway.refuse_next = [Refusal(429, "rate_limited", "Slower.", {"Retry-After": "0"})] * 3
        assert command.run("upload", str(folder / "a.txt")).exit_code == 0
        assert gateway.bodies[-1]["file"] == b"alpha"

    def test_names_from_files_are_printed_as_they_are(
        self, command: CommandLine, tmp_path: Path
    ) -> None:
        strange = tmp_path / "[bold]Größe[blue].txt"
        strange.write_text("x")
        assert "[bold]Größe[blue].txt" in command.run("upload", str(strange)).stdout


class RecordingObserver:
    def __init__(self) -> None:
        self.sent: dict[str, list[int]] = {}
        self.states: dict[str, list[str]] = {}
        self.outcomes: list[UploadOutcome] = []

    def sending(self, path: Path, sent_bytes: int) -> None:
        self.sent.setdefault(path.name, []).append(sent_bytes)

    def processing(self, path: Path, document: Document) -> None:
        self.states.setdefault(path.name, []).append(document.state)

    def finished(self, outcome: UploadOutcome) -> None:
        self.outcomes.append(outcome)


class TestUploads:
    async def test_observer_hears_how_far_each_file_is(
        self, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        large = tmp_path / "large.txt"
        large.write_bytes(b"x" * 300_000)
        observer = RecordingObserver()
        connection = Connection(gateway.url, next(iter(gateway.tenants)), 10)
        async with open_client(connection) as client:
            await Uploads(client, observer).run([large])
        sent = observer.sent["large.txt"]
        assert sent == sorted(sent)
        assert len(sent) > 2
        assert sent[-1] == 300_000
        assert observer.states["large.txt"] == ["queued", "processing"]
        assert [one.failure for one in observer.outcomes] == [None]

    async def test_outcomes_come_in_the_order_of_the_files(
        self, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        paths = [tmp_path / f"{number}.txt" for number in range(30)]
        for path in paths:
            path.write_text(path.name)
        async with open_client(Connection(gateway.url, next(iter(gateway.tenants)), 10)) as client:
            outcomes = await _uploads(client).run(paths)
        assert [outcome.path for outcome in outcomes] == paths
        assert {one.document.state for one in outcomes if one.document} == {"ready"}


def _uploads(client: Client) -> Uploads:
    return Uploads(client, RecordingObserver())
