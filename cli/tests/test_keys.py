"""API keys and tenants: secrets are shown once, and only to who may have them."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.gateway_server import OPERATOR_KEY, FakeGateway, Refusal
from tests.harness.command_line import CommandLine


class TestApiKeys:
    def test_new_key_is_shown_with_a_warning(self, command: CommandLine) -> None:
        result = command.run("api-keys", "create", "ci", "--role", "editor")
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            f"Created ci, editor (key_{1:032d}).",
            "API key: cs_live_secret",
            "Keep it now: it cannot be shown again.",
        ]

    def test_list_tells_active_expired_and_revoked_apart(self, command: CommandLine) -> None:
        command.run("api-keys", "create", "active")
        command.run("api-keys", "create", "expired", "--expires-in-days", "1")
        command.run("api-keys", "create", "revoked")
        revoked = command.run("api-keys", "revoke", f"key_{3:032d}")
        assert revoked.stdout == f"Revoked key_{3:032d}.\n"
        rows = [line.split() for line in command.run("api-keys").stdout.splitlines()[1:]]
        assert [(row[0], row[2]) for row in rows] == [
            (name, name) for name in ("active", "expired", "revoked")
        ]

    def test_are_chosen_by_state_and_by_a_piece_of_their_name(self, command: CommandLine) -> None:
        command.run("api-keys", "create", "search")
        command.run("api-keys", "create", "old search", "--expires-in-days", "1")
        command.run("api-keys", "create", "upload")
        rows = command.run("api-keys", "--state", "active", "--name", "Search").stdout.splitlines()
        assert [row.split()[0] for row in rows[1:]] == ["search"]

    def test_wide_terminal_shows_how_the_key_begins(self, command: CommandLine) -> None:
        command.run("api-keys", "create", "ci")
        assert "cs_live_abcdefgh" in command.run("api-keys", columns=130).stdout

    def test_new_key_may_be_restricted(self, command: CommandLine, gateway: FakeGateway) -> None:
        restricted = ("--scope", "search", "--scope", "chat", "--network", "192.0.2.0/24")
        assert command.run("api-keys", "create", "ci", *restricted).exit_code == 0
        (tenant,) = (one for one in gateway.tenants.values() if one.api_keys)
        (key,) = tenant.api_keys.values()
        assert (key["scopes"], key["networks"]) == (["search", "chat"], ["192.0.2.0/24"])

    def test_rotated_key_is_shown_with_the_end_of_the_old_one(self, command: CommandLine) -> None:
        command.run("api-keys", "create", "ci")
        result = command.run("api-keys", "rotate", f"key_{1:032d}")
        assert result.stdout.splitlines() == [
            "Rotated ci. The old key works until 2026-11-22 10:00 UTC.",
            "API key: cs_live_new",
            "Keep it now: it cannot be shown again.",
        ]

    def test_old_key_lives_a_week_longer_at_most(self, command: CommandLine) -> None:
        result = command.run("api-keys", "rotate", "key_1", "--overlap-hours", "169")
        assert result.exit_code == 2

    def test_refusal_is_one_readable_line(self, command: CommandLine, gateway: FakeGateway) -> None:
        gateway.refuse_next = [Refusal(403, "permission_denied", "Your role may not do this.")]
        result = command.run("api-keys")
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: Your role may not do this. (permission_denied, request req-refused)\n"
        )


class TestRoles:
    def test_are_created_listed_changed_and_deleted(self, command: CommandLine) -> None:
        created = command.run("roles", "create", "reader", "documents:read", "search")
        assert created.stdout == "Created reader (role_1).\n"
        changed = command.run("roles", "update", "role_1", "finder", "search")
        assert changed.stdout == "Changed finder (role_1).\n"
        listed = [line.split() for line in command.run("roles").stdout.splitlines()[1:]]
        assert listed == [["auditor", "audit:read"], ["finder", "search", "role_1"]]
        assert command.run("roles", "delete", "role_1").stdout == "Deleted role_1.\n"
        assert command.run("roles", "delete", "role_1").exit_code == 1

    def test_need_a_permission(self, command: CommandLine) -> None:
        assert command.run("roles", "create", "nobody").exit_code == 2


class TestTenants:
    def test_owner_key_of_a_new_tenant_works(
        self, gateway: FakeGateway, command: CommandLine
    ) -> None:
        result = command.run("tenants", "create", "Beta Ltd", "--operator-key", OPERATOR_KEY)
        assert result.exit_code == 0
        assert result.stdout.startswith("Created Beta Ltd (tnt_")
        key = result.stdout.split("Owner's API key: ")[1].split()[0]
        assert gateway.tenants[key].name == "Beta Ltd"

    def test_operator_key_is_found_in_the_data_folder(
        self, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        (tmp_path / "credentials.json").write_text(f'{{"url": "{gateway.url}", "api_key": "k"}}')
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "gateway-operator-key").write_text(f"{OPERATOR_KEY}\n")
        assert CommandLine(tmp_path).run("tenants", "create", "Beta Ltd").exit_code == 0

    def test_without_an_operator_key_nothing_is_sent(
        self, gateway: FakeGateway, command: CommandLine
    ) -> None:
        result = command.run("tenants", "create", "Beta Ltd")
        assert result.exit_code == 1
        assert "no server was started" in result.stderr
        assert gateway.requests == []

    def test_wrong_operator_key_is_refused(self, command: CommandLine) -> None:
        result = command.run("tenants", "create", "Beta", "--operator-key", "guess")
        assert (result.exit_code, "permission_denied" in result.stderr) == (1, True)
