"""Listing, showing and deleting documents and knowledge bases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.gateway_server import FakeGateway
from tests.fakes.gateway_tenant import FakeTenant, new_document
from tests.harness.command_line import CommandLine

FIRST_ID = f"doc_{1:032d}"


def put(tenant: FakeTenant, *names: str) -> None:
    for name in names:
        document = new_document(len(tenant.documents) + 1, name, b"some bytes")
        document.update(knowledge_base_id="kb_1", page_count=1200, chunk_count=3)
        tenant.documents[document["id"]] = document


class TestDocuments:
    def test_bare_command_lists(self, command: CommandLine, tenant: FakeTenant) -> None:
        put(tenant, "report.pdf")
        bare, listed = command.run("documents"), command.run("documents", "list")
        assert bare.exit_code == 0
        assert bare.stdout == listed.stdout
        assert bare.stdout.splitlines()[1].split() == ["report.pdf", "queued", FIRST_ID]

    def test_wide_terminal_shows_more(self, command: CommandLine, tenant: FakeTenant) -> None:
        put(tenant, "report.pdf")
        row = command.run("documents", columns=120).stdout.splitlines()[1]
        assert row.split() == ["report.pdf", "queued", "1,200", "3", "10", "B", FIRST_ID]

    def test_options_of_list_work_without_its_name(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, "report.pdf")
        command.run("knowledge-bases", "create", "empty")
        result = command.run("documents", "--knowledge-base", "empty")
        assert result.stdout.startswith("No documents yet.")

    def test_are_chosen_by_state_and_by_a_piece_of_their_name(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, "report.pdf", "a report.txt", "notes.txt", "old report.txt")
        for number, state in enumerate(("ready", "failed", "failed", "processing"), start=1):
            tenant.documents[f"doc_{number:032d}"]["state"] = state
        chosen = ("--state", "failed", "--state", "ready", "--name", "Report")
        lines = command.run("documents", *chosen).stdout.splitlines()
        assert len(lines) == 3
        assert "report.pdf" in lines[1]
        assert "a report.txt" in lines[2]
        assert command.run("documents", "--state", "queued").stdout == "No such documents.\n"

    def test_every_page_of_a_long_list_is_fetched(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, *(f"{number}.txt" for number in range(250)))
        assert len(command.run("documents").stdout.splitlines()) == 251

    def test_long_names_do_not_push_the_id_away(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, "a very long name of a document that goes on and on and on.pdf")
        lines = command.run("documents").stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert FIRST_ID in lines[1]

    def test_show_tells_why_a_document_failed(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, "broken.pdf")
        failure = {"code": "broken_pdf", "message": "The file ends too early."}
        tenant.documents[FIRST_ID].update(state="failed", failure=failure)
        shown = command.run("documents", "show", FIRST_ID).stdout
        assert "Reason          The file ends too early.\n" in shown
        assert "SHA-256" in shown

    def test_show_leaves_out_what_there_is_not(
        self, command: CommandLine, tenant: FakeTenant
    ) -> None:
        put(tenant, "notes.txt")
        tenant.documents[FIRST_ID].update(state="ready", page_count=0)
        shown = command.run("documents", "show", FIRST_ID).stdout
        assert "Pages" not in shown
        assert "Reason" not in shown

    def test_delete_takes_several_ids(self, command: CommandLine, tenant: FakeTenant) -> None:
        put(tenant, "a.txt", "b.txt", "c.txt")
        result = command.run("documents", "delete", FIRST_ID, f"doc_{2:032d}")
        assert result.stdout == "Deleted 2 documents.\n"
        assert [one["name"] for one in tenant.documents.values()] == ["c.txt"]

    @pytest.mark.parametrize("id_", ["doc_unknown", "../api-keys?x=1#y", "a/b"])
    def test_whatever_is_typed_as_an_id_is_only_an_id(
        self, command: CommandLine, gateway: FakeGateway, id_: str
    ) -> None:
        assert command.run("documents", "show", id_).exit_code == 1
        assert all(path.startswith("/v1/documents/") for _, path in gateway.requests)

    def test_unknown_document_is_one_readable_line(self, command: CommandLine) -> None:
        result = command.run("documents", "show", "doc_x")
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: There is no document 'doc_x'. (document_not_found, request req-refused)\n"
        )

    def test_unknown_subcommand_is_a_usage_error(self, command: CommandLine) -> None:
        assert command.run("documents", "lsit").exit_code == 2

    def test_help_of_the_group_shows_its_commands(self, command: CommandLine) -> None:
        assert "delete" in command.run("documents", "--help").stdout


class TestKnowledgeBases:
    def test_created_one_is_listed(self, command: CommandLine) -> None:
        assert "first upload makes one" in command.run("knowledge-bases").stdout
        created = command.run("knowledge-bases", "create", "reports")
        assert created.stdout == f"Created reports (kb_{1:032d}).\n"
        row = command.run("knowledge-bases").stdout.splitlines()[1]
        assert row.split() == ["reports", "0", f"kb_{1:032d}"]

    def test_deleting_one_asks_first(self, command: CommandLine, tenant: FakeTenant) -> None:
        command.run("knowledge-bases", "create", "reports")
        refused = command.run("knowledge-bases", "delete", "reports", typed="n\n")
        assert "Delete reports with 0 documents?" in refused.output
        assert refused.exit_code == 1
        assert tenant.knowledge_bases
        agreed = command.run("knowledge-bases", "delete", "reports", typed="y\n")
        assert agreed.exit_code == 0
        assert not tenant.knowledge_bases

    def test_yes_answers_before_the_question(
        self, command: CommandLine, tenant: FakeTenant, tmp_path: Path
    ) -> None:
        command.run("knowledge-bases", "create", "reports")
        result = command.run("knowledge-bases", "delete", f"kb_{1:032d}", "--yes")
        assert result.stdout == "Deleted reports with 0 documents.\n"
