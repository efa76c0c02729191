"""Asking and searching, as a user sees them."""

from __future__ import annotations

import json

import pytest

from tests.fakes.gateway_server import FakeGateway
from tests.fakes.gateway_tenant import FakeTenant, Known
from tests.harness.command_line import CommandLine

QUESTION = "How long is the notice period?"
KNOWN = Known(
    "The notice period is 12 weeks for everybody [who asks].",
    "handbook.pdf",
    page=7,
    heading_path=("Employment", "Leaving"),
)


class TestAsk:
    @pytest.fixture(autouse=True)
    def _knowledge(self, gateway: FakeGateway) -> None:
        gateway.knows("Acme", QUESTION, KNOWN)

    def test_answer_comes_with_document_page_headings_and_quote(self, command: CommandLine) -> None:
        result = command.run("ask", QUESTION, columns=100)
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "The notice period is 12 weeks for everybody [who asks]. [1]",
            "",
            "[1] handbook.pdf, page 7 · Employment > Leaving",
            "    “The notice period is 12 weeks for everybody [who asks].”",
        ]

    def test_lines_fit_a_narrow_terminal_and_end_without_spaces(self, command: CommandLine) -> None:
        lines = command.run("ask", QUESTION, columns=40).stdout.splitlines()
        assert max(map(len, lines)) <= 40
        assert all(line == line.rstrip() for line in lines)

    def test_declined_answer_is_no_error(self, command: CommandLine) -> None:
        result = command.run("ask", "May I bring my dog?")
        assert result.exit_code == 0
        assert result.stdout == "The documents do not contain the answer to this question.\n"
        assert result.stderr == ""

    def test_json_is_the_whole_answer(self, command: CommandLine) -> None:
        answer = json.loads(command.run("ask", QUESTION, "--json").stdout)
        assert answer["answered"] is True
        assert answer["citations"][0]["quote"] == KNOWN.quote

    def test_knowledge_bases_can_be_named_or_given_by_id(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        command.run("knowledge-bases", "create", "handbooks")
        command.run("knowledge-bases", "create", "prices")
        first, second = f"kb_{1:032d}", f"kb_{2:032d}"
        result = command.run("ask", QUESTION, "-k", "handbooks", "--knowledge-base", second)
        assert result.exit_code == 0
        assert gateway.bodies[-1]["knowledge_base_ids"] == [first, second]

    def test_unknown_knowledge_base_is_told_with_those_that_exist(
        self, command: CommandLine
    ) -> None:
        command.run("knowledge-bases", "create", "handbooks")
        result = command.run("ask", QUESTION, "-k", "handbook")
        assert result.exit_code == 1
        assert "no knowledge base 'handbook'. There are: 'handbooks'." in result.stderr

    def test_failure_in_the_middle_of_an_answer_is_one_readable_line(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        gateway.stream_ends = "error"
        result = command.run("ask", QUESTION)
        assert result.exit_code == 1
        expected = "Error: No model answers. (model_unavailable, request req-refused)\n"
        assert result.stderr == expected

    def test_answer_that_breaks_off_is_not_shown_as_complete(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        gateway.stream_ends = "torn"
        result = command.run("ask", QUESTION)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "before the answer was complete" in result.stderr

    def test_control_characters_of_documents_do_not_reach_the_terminal(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        gateway.knows("Acme", QUESTION, Known("Red \x1b[31malert\x07.", "a\x1b]0;b\x07.pdf"))
        assert not set("\x1b\x07") & set(command.run("ask", QUESTION).output)

    def test_quotes_from_one_passage_stand_under_one_number(
        self, command: CommandLine, gateway: FakeGateway, tenant: FakeTenant
    ) -> None:
        result = command.run("ask", QUESTION)
        assert result.stdout.count("[1] handbook.pdf") == 1


class TestSearch:
    def test_passages_come_with_their_place(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        gateway.knows("Acme", QUESTION, KNOWN)
        result = command.run("search", QUESTION, "--top-k", "3")
        assert result.stdout.splitlines()[0] == "1. handbook.pdf, page 7 · Employment > Leaving"
        assert gateway.bodies[-1]["top_k"] == 3

    def test_long_passage_is_cut_at_a_word(
        self, command: CommandLine, gateway: FakeGateway
    ) -> None:
        gateway.knows("Acme", QUESTION, Known("word " * 200, "long.txt"))
        assert command.run("search", QUESTION).stdout.rstrip().endswith("word …")

    def test_no_passage_is_said(self, command: CommandLine) -> None:
        result = command.run("search", "Anything?")
        assert (result.exit_code, result.stdout) == (0, "No passage was found.\n")
