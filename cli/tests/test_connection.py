"""Which server and which key a command uses, and that keys do not go astray."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.fakes.gateway_server import FakeGateway
from tests.harness.command_line import CommandLine


@pytest.fixture
def key(gateway: FakeGateway) -> str:
    return next(iter(gateway.tenants))


def store(folder: Path, url: str, key: str) -> None:
    credentials = {"url": url, "tenant_id": "tnt_1", "api_key": key}
    (folder / "credentials.json").write_text(json.dumps(credentials))


class TestWhereFrom:
    def test_options_need_nothing_else(
        self, gateway: FakeGateway, key: str, tmp_path: Path
    ) -> None:
        command = CommandLine(tmp_path, url="http://127.0.0.1:1", api_key="wrong")
        result = command.run("documents", "--url", gateway.url, "--api-key", key)
        assert result.exit_code == 0

    def test_data_folder_is_enough_on_the_same_machine(
        self, gateway: FakeGateway, key: str, tmp_path: Path
    ) -> None:
        store(tmp_path, gateway.url, key)
        assert CommandLine(tmp_path).run("documents").exit_code == 0

    def test_other_names_of_this_machine_are_the_same_server(
        self, gateway: FakeGateway, key: str, tmp_path: Path
    ) -> None:
        store(tmp_path, gateway.url, key)
        url = gateway.url.replace("127.0.0.1", "localhost") + "/"
        assert CommandLine(tmp_path, url=url).run("documents").exit_code == 0

    def test_stored_key_is_not_sent_to_another_server(
        self, gateway: FakeGateway, key: str, tmp_path: Path
    ) -> None:
        store(tmp_path, "https://rag.example.com", key)
        result = CommandLine(tmp_path).run("documents", "--url", gateway.url)
        assert result.exit_code == 1
        assert "belongs to https://rag.example.com" in result.stderr
        assert gateway.requests == []


class TestWhatIsMissing:
    def test_server_that_is_not_running_is_told_with_what_starts_one(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = CommandLine(tmp_path, url=url, api_key="k").run("documents")
        assert result.exit_code == 1
        assert result.stderr == (
            f"Error: No ClientSphere server answers at {url}. Start one with `clientsphere run`,"
            " or name another with --url.\n"
        )

    def test_data_folder_that_no_server_used_is_named(self, tmp_path: Path) -> None:
        result = CommandLine(tmp_path / "none").run("documents")
        assert result.exit_code == 1
        assert f"There is no {tmp_path}/none/credentials.json" in result.stderr
        assert "clientsphere run" in result.stderr

    def test_broken_credentials_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "credentials.json").write_text("{}")
        result = CommandLine(tmp_path).run("documents")
        assert (result.exit_code, "does not hold credentials" in result.stderr) == (1, True)

    def test_credentials_that_are_no_file_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "credentials.json").mkdir()
        result = CommandLine(tmp_path).run("documents")
        assert (result.exit_code, "cannot be read: Is a directory." in result.stderr) == (1, True)

    @pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://", "http://h:x", ""])
    def test_address_that_is_none_is_told(self, tmp_path: Path, url: str) -> None:
        result = CommandLine(tmp_path).run("documents", "--url", url, "--api-key", "k")
        assert result.exit_code == 1
        assert "is not an address such as" in result.stderr

    @pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel"])
    def test_key_that_is_none_is_told_and_not_repeated(self, tmp_path: Path, key: str) -> None:
        result = CommandLine(tmp_path).run("documents", "--url", "http://h", "--api-key", key)
        assert result.exit_code == 1
        assert result.stderr == "Error: The key is empty or holds characters that no key has.\n"

    def test_impossible_setting_is_named_without_its_value(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLIENTSPHERE_REQUEST_TIMEOUT_S", "-77")
        result = CommandLine(tmp_path).run("documents")
        assert result.exit_code == 1
        assert "request_timeout_s of CliSettings is not usable" in result.stderr
        assert "-77" not in result.stderr
