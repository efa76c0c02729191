"""Limits of one tenant, by the operator: shown, set one by one, cleared."""

from __future__ import annotations

from typer.testing import Result

from tests.fakes.gateway_server import OPERATOR_KEY, FakeGateway
from tests.harness.command_line import CommandLine

ASK = {"per_minute": 60, "burst": 10, "shadow": False}
SEARCH = {"per_minute": 600, "burst": 1000, "shadow": True}


def limits(command: CommandLine, *arguments: str) -> Result:
    return command.run("limits", *arguments, "--operator-key", OPERATOR_KEY)


class TestLimits:
    def test_that_nobody_changed_are_those_of_all(self, command: CommandLine) -> None:
        shown = limits(command, "show", "tnt_1")
        assert shown.stdout == "All limits are those of every tenant.\n"

    def test_that_differ_are_shown(self, command: CommandLine, gateway: FakeGateway) -> None:
        gateway.limits["tnt_1"] = {"ask": ASK, "search": SEARCH}
        shown = [line.split() for line in limits(command, "show", "tnt_1").stdout.splitlines()]
        assert shown[1:] == [
            ["ask", "60", "10", "yes"],
            ["search", "600", "1,000", "no", "(shadow)"],
        ]

    def test_are_set_one_by_one(self, command: CommandLine, gateway: FakeGateway) -> None:
        ask = ("--per-minute", "60", "--burst", "10")
        assert limits(command, "set", "tnt_1", "ask", *ask).exit_code == 0
        search = ("--per-minute", "600", "--burst", "1000", "--shadow")
        done = limits(command, "set", "tnt_1", "search", *search)
        assert gateway.limits == {"tnt_1": {"ask": ASK, "search": SEARCH}}
        assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["ask", "search"]

    def test_of_places_need_no_rate(self, command: CommandLine, gateway: FakeGateway) -> None:
        assert limits(command, "set", "tnt_1", "concurrent", "--burst", "5").exit_code == 0
        assert gateway.limits["tnt_1"]["concurrent"]["burst"] == 5

    def test_of_anything_else_do(self, command: CommandLine, gateway: FakeGateway) -> None:
        refused = limits(command, "set", "tnt_1", "ask", "--burst", "5")
        assert (refused.exit_code, "--per-minute" in refused.stderr) == (2, True)
        assert gateway.requests == []

    def test_are_cleared_one_by_one(self, command: CommandLine, gateway: FakeGateway) -> None:
        gateway.limits["tnt_1"] = {"ask": ASK, "search": SEARCH}
        done = limits(command, "clear", "tnt_1", "ask")
        assert done.stdout == "Cleared ask of tnt_1.\n"
        assert gateway.limits == {"tnt_1": {"search": SEARCH}}

    def test_are_cleared_all_at_once(self, command: CommandLine, gateway: FakeGateway) -> None:
        gateway.limits["tnt_1"] = {"ask": ASK, "search": SEARCH}
        done = limits(command, "clear", "tnt_1")
        assert done.stdout == "Cleared all limits of tnt_1.\n"
        assert gateway.limits == {"tnt_1": {}}

    def test_are_nobody_elses(self, command: CommandLine) -> None:
        refused = command.run("limits", "show", "tnt_1", "--operator-key", "guess")
        assert (refused.exit_code, "permission_denied" in refused.stderr) == (1, True)
