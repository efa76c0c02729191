"""The demo: a real check that looks good, and leaves nothing behind however it ends."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from clientsphere_cli.demo.expectations import complaint
from clientsphere_cli.demo.play import play
from clientsphere_cli.demo.server import (
    Workplace,
    fresh_server,
    temporary_workplace,
)
from clientsphere_cli.demo.stage import Stage
from clientsphere_cli.failures import CliError
from clientsphere_cli.model.answers import Answer, Citation, Usage
from clientsphere_cli.samples.catalog import DEMO_QUESTIONS, KESTRAND, DemoQuestion
from tests.fakes import gateway_program
from tests.fakes.gateway_program import teach
from tests.fakes.gateway_server import OPERATOR_KEY, FakeGateway, Refusal
from tests.harness.children import OwnChildren
from tests.harness.command_line import CommandLine

PROGRAM = (sys.executable, str(gateway_program.__file__))


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Where the tests run in the background, they were started with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def run_demo(workplace: Workplace, *flags: str, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    await play(fresh_server(workplace, (*PROGRAM, *flags)), Stage(console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class TestPlay:
    def test_every_question_is_shown_with_its_answer_and_citation(
        self, temporary_folder: Path
    ) -> None:
        with temporary_workplace() as workplace:
            shown = asyncio.run(run_demo(workplace))
        for question in DEMO_QUESTIONS:
            assert question.question in shown
            assert all(words in shown for words in question.expect)
        assert "[1] employee-handbook.pdf, page 2 · Rules" in shown
        assert "Declined: " in shown
        assert f"✓ {len(DEMO_QUESTIONS)} answers, all right" in shown
        assert "clientsphere run\n" in shown
        assert list(temporary_folder.iterdir()) == []

    @pytest.mark.parametrize("width", [80, 120])
    def test_lines_fit_and_end_without_spaces(self, temporary_folder: Path, width: int) -> None:
        with temporary_workplace() as workplace:
            lines = asyncio.run(run_demo(workplace, width=width)).splitlines()
        assert max(len(line) for line in lines if "clientsphere" not in line) <= width
        assert all(line == line.rstrip() for line in lines)

    def test_both_companies_stand_side_by_side_where_there_is_room(
        self, temporary_folder: Path
    ) -> None:
        with temporary_workplace() as workplace:
            lines = asyncio.run(run_demo(workplace, width=120)).splitlines()
        assert any("25 days" in line and "22 days" in line for line in lines)

    def test_wrong_answer_fails_the_demo_and_keeps_the_log(self, temporary_folder: Path) -> None:
        with (
            pytest.raises(CliError, match="1 of 10 answers are not what they should be") as caught,
            temporary_workplace() as workplace,
        ):
            asyncio.run(run_demo(workplace, "--errs"))
        (log,) = temporary_folder.iterdir()
        assert f"The server's log is {log}." in str(caught.value)
        assert "the fake gateway starts" in log.read_text()

    def test_server_that_does_not_start_is_told(self, temporary_folder: Path) -> None:
        with (
            pytest.raises(CliError, match="stopped before it was ready"),
            temporary_workplace() as workplace,
        ):
            asyncio.run(run_demo(workplace, "--exits"))

    @pytest.mark.parametrize(
        ("number", "outcome"),
        [
            (signal.SIGINT, KeyboardInterrupt),
            (signal.SIGTERM, asyncio.CancelledError),
            (signal.SIGHUP, asyncio.CancelledError),
        ],
    )
    def test_signal_stops_the_server_and_leaves_nothing(
        self,
        temporary_folder: Path,
        own_children: OwnChildren,
        number: signal.Signals,
        outcome: type[BaseException],
    ) -> None:
        async def interrupted(workplace: Workplace) -> None:
            demo = asyncio.create_task(run_demo(workplace))
            while not demo.done() and not (workplace.data_dir / "credentials.json").exists():
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), number)
            await demo

        with pytest.raises(outcome), temporary_workplace() as workplace:
            asyncio.run(interrupted(workplace))
        assert list(temporary_folder.iterdir()) == []
        assert own_children() == []


class TestDemo:
    def test_it_holds_on_the_real_product(self, tmp_path: Path, temporary_folder: Path) -> None:
        result = CommandLine(tmp_path / "not-used").run("demo")
        assert result.exit_code == 0, result.output
        assert "answers, all right" in result.stdout
        assert list(temporary_folder.iterdir()) == []

    def test_it_plays_on_a_server_that_runs_already(
        self, gateway: FakeGateway, tmp_path: Path, temporary_folder: Path
    ) -> None:
        teach(gateway)
        result = CommandLine(tmp_path / "not-used").run(
            "demo", "--url", gateway.url, "--operator-key", OPERATOR_KEY
        )
        assert result.exit_code == 0, result.output
        assert f"The server at {gateway.url} answers" in result.stdout
        assert list(temporary_folder.iterdir()) == []

    def test_a_server_that_is_not_ready_is_told(self, gateway: FakeGateway, tmp_path: Path) -> None:
        gateway.refuse_next = [Refusal(503, "not_ready", "Not ready.")]
        result = CommandLine(tmp_path / "not-used").run(
            "demo", "--url", gateway.url, "--operator-key", OPERATOR_KEY
        )
        assert result.exit_code == 1
        assert "is not ready" in result.stderr


QUESTION = DemoQuestion(KESTRAND, "How many?", ("25 days", "a year"), "handbook.pdf", page=2)


def answer(*citations: Citation, answered: bool = True) -> Answer:
    return Answer("ans_1", answered, "…", citations, 1.0, "m", Usage(1, 1), "r1")


def citation(quote: str, document: str = "handbook.pdf", page: int | None = 2) -> Citation:
    return Citation(1, "doc_1", document, page, (), quote, 0, len(quote))


class TestComplaint:
    def test_right_answer_quotes_the_right_page(self) -> None:
        right = answer(citation("25\n days"), citation("of leave a year"))
        assert complaint(QUESTION, right, {"doc_1"}) is None

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (answer(answered=False), "it was declined"),
            (answer(citation("25 days a year", page=3)), "does not cite handbook.pdf, page 2"),
            (answer(citation("25 days a year", document="x.pdf")), "does not cite handbook.pdf"),
            (answer(citation("25 days")), "does not say 'a year'"),
        ],
    )
    def test_wrong_answer_is_explained(self, given: Answer, said: str) -> None:
        assert said in (complaint(QUESTION, given, {"doc_1"}) or "")

    def test_page_does_not_matter_where_there_are_none(self) -> None:
        question = DemoQuestion(KESTRAND, "How many?", ("25 days",), "notes.txt")
        given = answer(citation("25 days", document="notes.txt", page=None))
        assert complaint(question, given, {"doc_1"}) is None

    def test_document_of_somebody_else_is_always_wrong(self) -> None:
        right = answer(citation("25 days a year"))
        assert complaint(QUESTION, right, {"doc_2"}) == "it cites a document of somebody else"

    def test_question_without_an_answer_must_be_declined(self) -> None:
        question = DemoQuestion(KESTRAND, "May I bring my dog?")
        assert complaint(question, answer(answered=False), set()) is None
        assert complaint(question, answer(), set()) == "it should have been declined"
