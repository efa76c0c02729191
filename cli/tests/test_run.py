"""Starting the product: what a user reads when it serves, and when it cannot."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_EXIT_S = 30


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clientsphere_cli", "run", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*options: str) -> tuple[int, str]:
    """Exit code and standard error of a start that fails."""
    process = start(*options)
    _, errors = process.communicate(timeout=_EXIT_S)
    return process.returncode, errors


class TestRun:
    def test_serves_until_told_to_stop_and_keeps_others_off_its_folder(
        self, tmp_path: Path
    ) -> None:
        folder = ("--data-dir", str(tmp_path / "data"))
        with start("--port", "0", *folder) as process:
            assert process.stdout is not None
            banner = ""
            while "clientsphere ask" not in banner:
                banner += process.stdout.readline()
            code, errors = run("--port", "0", *folder)
            process.send_signal(signal.SIGINT)
            assert process.wait(_EXIT_S) == 0
        assert re.search(r"API +http://127\.0\.0\.1:\d+\n", banner)
        assert re.search(r"Docs +http://127\.0\.0\.1:\d+/docs\n", banner)
        assert str(tmp_path / "data" / "credentials.json") in banner
        assert code == 1
        assert errors.startswith("Error: ")
        assert f"is in use by process {process.pid}" in errors
        assert errors.count("\n") == 1

    def test_address_in_use_is_one_readable_line(self, tmp_path: Path, taken_port: int) -> None:
        code, errors = run("--port", str(taken_port), "--data-dir", str(tmp_path))
        assert code == 1
        told = [line for line in errors.splitlines() if not line.startswith("{")]
        assert len(told) == 1
        assert f"port {taken_port}" in told[0]
        assert "Traceback" not in errors

    def test_folder_that_cannot_be_one_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        code, errors = run("--port", "0", "--data-dir", str(tmp_path / "file" / "data"))
        assert code == 1
        assert errors.startswith(f"Error: Cannot start: {tmp_path}/file/data: Not a directory")

    def test_impossible_port_is_a_usage_error(self) -> None:
        assert run("--port", "70000")[0] == 2


class TestStartUp:
    def test_commands_other_than_run_do_not_load_the_services(self) -> None:
        program = (
            "import sys, clientsphere_cli.main;"
            "print(*{'all_in_one', 'gateway', 'numpy', 'grpc', 'sqlalchemy'} & set(sys.modules))"
        )
        loaded = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert loaded.stdout.strip() == ""
