"""People sign in at a command line: a real issuer over TLS, a real gateway over HTTP."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import Result

from clientsphere_common.http_server import HttpAddress, HttpServer
from tests.harness.authorization_server import AuthorizationServer, Client
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.command_line import CommandLine
from tests.harness.databases import sqlite_database
from tests.harness.gateway import gateway_tables
from tests.harness.modules import running
from tests.harness.oidc_issuer import Spoilt
from tests.harness.signing_in import SigningIn, signing_in
from tests.harness.token_forge import MISSING

CLI = {"cli_client_id": "cli", "cli_scopes": ["openid", "offline_access"]}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@dataclass
class Terminal:
    signing: SigningIn
    url: str
    sign_in_id: str
    command: CommandLine

    @property
    def server(self) -> AuthorizationServer:
        return self.signing.server

    @property
    def file(self) -> Path:
        return self.command.config_dir / "sign-in.json"

    def stored(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.file.read_text())
        return content

    def let_the_token_end(self) -> None:
        self.file.write_text(json.dumps({**self.stored(), "expires_at_s": time.time() + 29}))

    async def run(self, *arguments: str) -> Result:
        """In a thread of its own: the servers are in this one."""
        return await asyncio.to_thread(self.command.run, *arguments)

    async def login(self) -> Result:
        return await self.run("login", "--url", self.url, "--sign-in", self.sign_in_id)


@pytest.fixture
async def terminal(tmp_path: Path, authority: CertificateAuthority) -> AsyncIterator[Terminal]:
    async with (
        gateway_tables(sqlite_database(tmp_path / "gateway.db")) as tables,
        signing_in(tables, authority) as signing,
    ):
        sign_in_id = await signing.offer(sign_in=CLI)
        signing.server.clients["cli"] = Client()
        signing.server.interval_s = 1
        http = HttpServer(signing.gateway.app, HttpAddress("127.0.0.1", 0, ""))
        async with running(http):
            command = CommandLine(tmp_path, issuer_ca_file=authority.file)
            yield Terminal(signing, http.url, sign_in_id, command)


class TestLogin:
    async def test_shows_where_to_enter_the_code_and_who_one_is_then(
        self, terminal: Terminal
    ) -> None:
        terminal.server.device_answers = ["authorization_pending"]
        result = await terminal.login()
        assert result.exit_code == 0, result.stderr
        # The gateway's log lines come from the same process.
        lines = [line for line in result.stdout.splitlines() if "request_" not in line]
        assert lines[:3] == [
            f"Sign in at {terminal.server.url}: open",
            f"  {terminal.server.url}/activate",
            "and enter the code WDJB-MJHT",
        ]
        assert lines[3].startswith("Signed in to Kestrand as usr_")
        assert lines[3].endswith("(viewer).")

    async def test_lets_every_command_act_as_that_person(self, terminal: Terminal) -> None:
        terminal.server.person = {"sub": "ada", "roles": ["kb-admins"]}
        await terminal.login()
        for address in ((), ("--url", terminal.url)):
            listed = await terminal.run("api-keys", *address)
            assert listed.exit_code == 0, listed.stderr
            assert "owner" in listed.stdout

    async def test_leaves_a_file_that_only_its_owner_can_read(self, terminal: Terminal) -> None:
        await terminal.login()
        assert stat.S_IMODE(terminal.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(terminal.file.parent.stat().st_mode) == 0o700

    async def test_shows_no_token(self, terminal: Terminal) -> None:
        result = await terminal.login()
        for secret in ("access_token", "refresh_token"):
            assert str(terminal.stored()[secret]) not in result.output

    async def test_is_clear_about_an_issuer_without_devices(self, terminal: Terminal) -> None:
        terminal.server.changes = {"device_authorization_endpoint": MISSING}
        result = await terminal.login()
        assert result.exit_code == 1
        assert result.stderr == (
            f"Error: {terminal.server.url} does not sign in command lines (it has no device"
            " authorization endpoint). Use an API key.\n"
        )

    async def test_is_clear_about_a_sign_in_for_browsers_only(self, terminal: Terminal) -> None:
        terminal.sign_in_id = await terminal.signing.offer(
            audience="other", sign_in={"client_id": "other"}
        )
        result = await terminal.login()
        assert (result.exit_code, "with a browser only" in result.stderr) == (1, True)

    async def test_is_clear_about_a_sign_in_that_does_not_exist(self, terminal: Terminal) -> None:
        terminal.sign_in_id = "iss_1"
        result = await terminal.login()
        assert (result.exit_code, "There is no such sign-in." in result.stderr) == (1, True)

    async def test_keeps_nothing_that_the_gateway_does_not_take(self, terminal: Terminal) -> None:
        terminal.server.person = {"sub": "ada"}
        terminal.server.keys["k2"] = terminal.server.keys.pop("k1")
        terminal.server.add_key("k1", "ES256")
        terminal.server.withheld.add("k1")
        result = await terminal.login()
        assert (result.exit_code, "token_invalid" in result.stderr) == (1, True)
        assert not terminal.file.exists()

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ("access_denied", "refused the sign-in"),
            ("expired_token", "expired before it was entered"),
            ("invalid_grant", "The sign-in failed: invalid_grant"),
        ],
    )
    async def test_ends_when_the_issuer_refuses(
        self, terminal: Terminal, answer: str, words: str
    ) -> None:
        terminal.server.device_answers = [answer]
        result = await terminal.login()
        assert (result.exit_code, words in result.stderr) == (1, True)
        assert not terminal.file.exists()

    async def test_wants_https_where_somebody_could_listen(self, terminal: Terminal) -> None:
        terminal.url = "http://rag.example.com"
        result = await terminal.login()
        assert (result.exit_code, "is not an https address" in result.stderr) == (1, True)

    async def test_trusts_no_issuer_with_a_strange_certificate(self, terminal: Terminal) -> None:
        terminal.command = CommandLine(terminal.command.data_dir)
        result = await terminal.login()
        assert (result.exit_code, "ConnectError" in result.stderr) == (1, True)
        assert terminal.server.forms == []


class TestStayingSignedIn:
    async def test_gets_a_new_token_before_the_one_ends(self, terminal: Terminal) -> None:
        await terminal.login()
        before = terminal.stored()
        assert (await terminal.run("documents")).exit_code == 0
        assert terminal.stored() == before
        terminal.let_the_token_end()
        assert (await terminal.run("documents")).exit_code == 0
        after = terminal.stored()
        assert after["refresh_token"] != before["refresh_token"]
        assert float(str(after["expires_at_s"])) > time.time() + 30
        assert stat.S_IMODE(terminal.file.stat().st_mode) == 0o600

    async def test_is_not_ended_by_two_commands_at_once(self, terminal: Terminal) -> None:
        await terminal.login()
        terminal.let_the_token_end()
        programs = [await _program(terminal, "documents") for _ in range(2)]
        assert [await program.wait() for program in programs] == [0, 0]
        grants = [form["grant_type"] for form in terminal.server.forms]
        assert grants.count("refresh_token") == 1

    async def test_ends_when_the_issuer_says_so(self, terminal: Terminal) -> None:
        await terminal.login()
        terminal.let_the_token_end()
        terminal.server.refresh_tokens.clear()
        result = await terminal.run("documents")
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: You are not signed in any more. Run `clientsphere login` again.\n"
        )

    async def test_ends_with_the_token_where_there_is_no_other(self, terminal: Terminal) -> None:
        await terminal.login()
        stored = {**terminal.stored(), "refresh_token": None, "expires_at_s": 0.0}
        terminal.file.write_text(json.dumps(stored))
        result = await terminal.run("documents")
        assert (result.exit_code, "not signed in any more" in result.stderr) == (1, True)

    async def test_is_for_one_server_only(self, terminal: Terminal) -> None:
        await terminal.login()
        result = await terminal.run("documents", "--url", "https://rag.example.com")
        assert result.exit_code == 1
        assert "credentials.json" in result.stderr

    async def test_makes_way_for_a_key(self, terminal: Terminal) -> None:
        await terminal.login()
        key = terminal.signing.tenant.owner_key.key
        refused = await terminal.run("audit", "--url", terminal.url)
        allowed = await terminal.run("audit", "--url", terminal.url, "--api-key", key)
        assert (refused.exit_code, allowed.exit_code) == (1, 0)


class TestLogout:
    async def test_forgets_here_and_at_the_issuer(self, terminal: Terminal) -> None:
        await terminal.login()
        assert len(terminal.server.refresh_tokens) == 1
        result = await terminal.run("logout")
        assert result.stdout.endswith(f"Signed out of {terminal.url}.\n")
        assert terminal.server.refresh_tokens == {}
        assert not terminal.file.exists()
        assert (await terminal.run("documents")).exit_code == 1

    async def test_needs_no_issuer_that_takes_tokens_back(self, terminal: Terminal) -> None:
        await terminal.login()
        terminal.server.changes = {"revocation_endpoint": MISSING}
        assert (await terminal.run("logout")).exit_code == 0
        assert not terminal.file.exists()

    async def test_forgets_here_what_the_issuer_cannot_be_told(self, terminal: Terminal) -> None:
        await terminal.login()
        terminal.server.discovery = Spoilt.FAILING
        result = await terminal.run("logout")
        assert (result.exit_code, "Signed out here, but not" in result.stderr) == (1, True)
        assert not terminal.file.exists()

    async def test_says_when_there_is_nobody(self, terminal: Terminal) -> None:
        result = await terminal.run("logout")
        assert (result.exit_code, result.stderr) == (1, "Error: Nobody is signed in.\n")


class TestAFileThatIsNone:
    @pytest.mark.parametrize("content", ["", "{}", "[]", '{"url": 1}'])
    async def test_is_named(self, terminal: Terminal, content: str) -> None:
        terminal.file.parent.mkdir()
        terminal.file.write_text(content)
        result = await terminal.run("documents", "--url", terminal.url)
        assert (result.exit_code, "sign-in.json holds no sign-in" in result.stderr) == (1, True)

    async def test_is_named_when_it_cannot_be_read_or_written(self, terminal: Terminal) -> None:
        terminal.file.mkdir(parents=True)
        read = await terminal.run("documents", "--url", terminal.url)
        assert (read.exit_code, "cannot be read: Is a directory" in read.stderr) == (1, True)
        written = await terminal.login()
        assert (written.exit_code, "cannot be written" in written.stderr) == (1, True)


async def _program(terminal: Terminal, *arguments: str) -> asyncio.subprocess.Process:
    """The command in a process of its own."""
    environment = {
        "CLIENTSPHERE_CONFIG_DIR": str(terminal.command.config_dir),
        "CLIENTSPHERE_ISSUER_CA_FILE": str(terminal.command.issuer_ca_file),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clientsphere_cli", *arguments, env=environment
    )
