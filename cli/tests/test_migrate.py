"""`clientsphere migrate` as an administrator sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from all_in_one.data_dir import DataDir
from tests.harness.postgres_server import PostgresServer

TABLES = """\
Service    Before     Now
audit      no tables  0001  migrated
gateway    no tables  0007  migrated
ingestion  no tables  0003  migrated
"""


def migrate(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: it chooses where logs go."""
    return subprocess.run(
        [sys.executable, "-m", "clientsphere_cli", "migrate", *options],
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def server(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """How the command finds an empty database."""
    with postgres_server.empty_database() as name:
        yield {
            "CLIENTSPHERE_DATA_DIR": str(tmp_path / "data"),
            "CLIENTSPHERE_DATABASE_URL": postgres_server.address(name),
            "CLIENTSPHERE_DATABASE_ADMIN_URL": postgres_server.url("postgres", name),
        }


class TestOnAServer:
    def test_makes_the_tables_of_all_services(self, server: dict[str, str]) -> None:
        done = migrate(server)
        address = server["CLIENTSPHERE_DATABASE_URL"]
        assert done.stdout == f"{TABLES}\nThe tables of 3 services are ready: {address}.\n"
        assert (done.returncode, done.stderr) == (0, "")
        assert not Path(server["CLIENTSPHERE_DATA_DIR"]).exists()

    def test_changes_nothing_the_second_time(self, server: dict[str, str]) -> None:
        migrate(server, "--service", "audit")
        done = migrate({**server, "CLIENTSPHERE_DATABASE_ADMIN_URL": ""}, "--service", "audit")
        assert "audit    0001    0001  unchanged" in done.stdout.splitlines()
        assert "gateway" not in done.stdout

    def test_without_roles_or_an_administrator_fails_with_one_line(
        self, server: dict[str, str]
    ) -> None:
        done = migrate({**server, "CLIENTSPHERE_DATABASE_ADMIN_URL": ""})
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("Error: audit: ")
        assert done.stderr.count("\n") == 1

    def test_that_is_away_fails_with_one_line(self, tmp_path: Path) -> None:
        address = f"postgresql:///clientsphere?host={tmp_path}"
        done = migrate({"CLIENTSPHERE_DATABASE_URL": address}, "--wait-s", "0")
        assert done.returncode == 1
        message = f"Error: The database server {tmp_path}:5432 did not answer within 0 s.\n"
        assert done.stderr == message

    def test_whose_address_makes_no_sense_is_refused_without_repeating_it(self) -> None:
        done = migrate({"CLIENTSPHERE_DATABASE_URL": "postgresql://me:s3cr3t@host/db"})
        assert done.returncode == 1
        assert "url of DatabaseSettings" in done.stderr
        assert "s3cr3t" not in done.stderr


class TestInTheDataFolder:
    def test_makes_the_tables_of_all_services(self, tmp_path: Path) -> None:
        done = migrate({}, "--data-dir", str(tmp_path))
        assert done.stdout == f"{TABLES}\nThe tables of 3 services are ready: {tmp_path}.\n"
        assert {file.name for file in tmp_path.glob("*.db")} == {
            "audit.db",
            "gateway.db",
            "ingestion.db",
        }

    async def test_leaves_alone_what_a_server_uses(self, tmp_path: Path) -> None:
        lock = DataDir(tmp_path)
        await lock.start()
        try:
            done = migrate({}, "--data-dir", str(tmp_path))
        finally:
            await lock.stop()
        assert done.returncode == 1
        assert f"in use by process {os.getpid()}" in done.stderr

    def test_a_service_without_tables_is_refused(self, tmp_path: Path) -> None:
        done = migrate({}, "--data-dir", str(tmp_path), "--service", "llm-proxy")
        assert done.returncode == 1
        assert "'llm-proxy' has no tables" in done.stderr
