"""Who may read and edit what: shown, and changed as a whole."""

from __future__ import annotations

import pytest

from tests.harness.command_line import CommandLine


class TestAccess:
    def test_of_a_document_is_changed_by_its_id(self, command: CommandLine) -> None:
        assert command.run("access", "show", "doc_1").stdout == "Readers: everyone\n"
        narrowed = command.run("access", "readers", "doc_1", "--group", "hr", "--group", "legal")
        assert narrowed.stdout == "Readers of doc_1: group hr, group legal\n"
        assert command.run("access", "show", "doc_1").stdout == "Readers: group hr, group legal\n"

    def test_of_a_knowledge_base_is_changed_by_its_name(self, command: CommandLine) -> None:
        command.run("knowledge-bases", "create", "salaries")
        command.run("access", "readers", "salaries", "--group", "hr", "--principal", "key_1")
        edited = command.run("access", "editors", "salaries", "--nobody")
        assert edited.stdout == "Editors of salaries: nobody\n"
        shown = command.run("access", "show", "salaries").stdout.splitlines()
        assert shown == ["Readers: group hr, key_1", "Editors: nobody"]
        opened = command.run("access", "readers", "salaries", "--everyone")
        assert opened.stdout == "Readers of salaries: everyone\n"

    def test_of_an_unknown_knowledge_base_says_which_there_are(self, command: CommandLine) -> None:
        refused = command.run("access", "show", "salaries")
        assert refused.exit_code == 1
        assert "There is no knowledge base" in refused.stderr

    @pytest.mark.parametrize(
        "options", [(), ("--everyone", "--nobody"), ("--everyone", "--group", "hr")]
    )
    def test_is_said_in_one_way(self, command: CommandLine, options: tuple[str, ...]) -> None:
        assert command.run("access", "readers", "doc_1", *options).exit_code == 2
