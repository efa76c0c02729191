"""Reading the audit trail, and finding out that somebody rewrote it."""

from __future__ import annotations

import json

import pytest

from tests.fakes.gateway_server import FakeGateway
from tests.fakes.gateway_tenant import FakeTenant
from tests.harness.command_line import CommandLine


@pytest.fixture
def trail(tenant: FakeTenant) -> FakeTenant:
    """Longer than a page of the API."""
    for number in range(2500):
        tenant.record("document.uploaded" if number % 1000 else "tenant.created", f"doc_{number}")
    return tenant


class TestVerify:
    def test_unbroken_chain_is_confirmed_with_its_head(
        self, command: CommandLine, trail: FakeTenant
    ) -> None:
        result = command.run("audit", "verify", columns=120)
        assert result.exit_code == 0
        head = trail.trail[-1]["hash"]
        assert result.stdout == f"The chain of 2,500 events is unbroken.\nHead: {head}\n"

    def test_empty_trail_is_unbroken(self, command: CommandLine) -> None:
        result = command.run("audit", "verify")
        assert result.stdout == "The chain of 0 events is unbroken.\nHead: none yet\n"

    def test_changed_event_is_named(self, command: CommandLine, trail: FakeTenant) -> None:
        trail.trail[1233]["event"]["outcome"] = "denied"
        result = command.run("audit", "verify")
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "event 1234 is not what was recorded" in result.stderr

    def test_removed_event_is_named(self, command: CommandLine, trail: FakeTenant) -> None:
        del trail.trail[9]
        result = command.run("audit", "verify")
        assert (result.exit_code, "event 10 is not" in result.stderr) == (1, True)

    def test_end_that_was_cut_off_is_noticed(self, command: CommandLine, trail: FakeTenant) -> None:
        trail.trail[-2:-1] = []
        assert "event 2499 is not" in command.run("audit", "verify").stderr

    def test_events_added_meanwhile_do_not_disturb(
        self, command: CommandLine, gateway: FakeGateway, trail: FakeTenant
    ) -> None:
        gateway.on_request = lambda: trail.record("question.asked")
        assert command.run("audit", "verify").exit_code == 0


class TestEvents:
    def test_newest_events_come_last(self, command: CommandLine, trail: FakeTenant) -> None:
        lines = command.run("audit").stdout.splitlines()
        assert [line.split()[0] for line in lines[1:]] == [str(nr) for nr in range(2481, 2501)]

    def test_all_of_an_action(self, command: CommandLine, trail: FakeTenant) -> None:
        result = command.run("audit", "events", "--limit", "0", "--action", "tenant.created")
        assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["1", "1001", "2001"]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (("--principal", f"key_{0:032d}", "--limit", "1"), ["2500"]),
            (("--principal", "key_1"), []),
            (("--outcome", "denied"), ["7"]),
            (
                ("--since", "2026-11-22T10:00:00.002Z", "--until", "2026-11-22T10:00:00.004Z"),
                ["2", "3"],
            ),
        ],
        ids=str,
    )
    def test_newest_that_fit_are_shown(
        self,
        command: CommandLine,
        trail: FakeTenant,
        options: tuple[str, ...],
        expected: list[str],
    ) -> None:
        trail.trail[6]["event"]["outcome"] = "denied"
        lines = command.run("audit", "events", *options).stdout.splitlines()
        assert [line.split()[0] for line in lines[1:]] == expected

    def test_wide_terminal_shows_who_it_was(self, command: CommandLine, trail: FakeTenant) -> None:
        assert command.run("audit", columns=120).stdout.split("\n")[0].endswith("By")

    def test_json_lines_hold_the_whole_events(
        self, command: CommandLine, trail: FakeTenant
    ) -> None:
        lines = command.run("audit", "events", "--json", "--limit", "3").stdout.splitlines()
        assert [json.loads(line) for line in lines] == trail.trail[-3:]

    def test_server_that_turns_no_pages_is_not_asked_for_ever(
        self, command: CommandLine, gateway: FakeGateway, trail: FakeTenant
    ) -> None:
        gateway.turns_pages = False
        result = command.run("audit", "events", "--limit", "0")
        assert (result.exit_code, "the same page" in result.stderr) == (1, True)

    def test_no_events_are_said(self, command: CommandLine) -> None:
        assert command.run("audit").stdout == "No events.\n"
