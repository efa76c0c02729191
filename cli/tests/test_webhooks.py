"""Webhooks: made with a secret that is shown once, tested, followed, deleted."""

from __future__ import annotations

from tests.fakes.gateway_server import FakeGateway
from tests.harness.command_line import CommandLine

RECEIVER = "https://hooks.example/in"


def create(command: CommandLine) -> str:
    return command.run("webhooks", "create", RECEIVER, "document.ready").stdout


class TestWebhooks:
    def test_new_one_shows_its_secret(self, command: CommandLine) -> None:
        assert create(command).splitlines() == [
            "Created whk_1.",
            "Secret: whsec_made",
            "Keep it now: it cannot be shown again.",
        ]

    def test_are_listed_and_deleted(self, command: CommandLine) -> None:
        assert command.run("webhooks").stdout == "No webhooks yet.\n"
        create(command)
        (row,) = command.run("webhooks", columns=120).stdout.splitlines()[1:]
        assert row.split() == [RECEIVER, "document.ready", "enabled", "whk_1"]
        assert command.run("webhooks", "delete", "whk_1").stdout == "Deleted whk_1.\n"
        assert command.run("webhooks", "delete", "whk_1").exit_code == 1

    def test_accepted_test_is_told(self, command: CommandLine) -> None:
        create(command)
        assert command.run("webhooks", "deliveries", "whk_1").stdout == "No deliveries yet.\n"
        result = command.run("webhooks", "test", "whk_1")
        assert result.stdout == "The receiver accepted the test (204).\n"
        (row,) = command.run("webhooks", "deliveries", "whk_1").stdout.splitlines()[1:]
        assert row.split()[2:] == ["webhook.test", "delivered", "1", "204"]

    def test_refused_test_is_a_failure(self, command: CommandLine, gateway: FakeGateway) -> None:
        create(command)
        gateway.answers_webhooks(500, "not_accepted")
        result = command.run("webhooks", "test", "whk_1")
        assert result.exit_code == 1
        assert "did not accept the test: not_accepted (500)" in result.stderr
