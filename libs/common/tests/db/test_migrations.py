"""Tables come to the newest schema, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import Migrations, Upgrade, upgrade
from tests.harness.migration_scripts import ADD_PAGES, CREATE_PAPERS, FAIL, MigrationScripts


@pytest.fixture
def scripts(tmp_path: Path) -> MigrationScripts:
    scripts = MigrationScripts(tmp_path / "100% papers" / "migrations")
    scripts.write("0001", None, CREATE_PAPERS)
    return scripts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "papers.db"


def columns(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    found = connection.execute("SELECT name FROM pragma_table_info('papers')").fetchall()
    connection.close()
    return [name for (name,) in found]


class TestUpgrade:
    def test_makes_the_tables_and_the_folder_they_are_in(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]

    def test_tells_what_it_found_and_what_it_left(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        assert upgrade(sqlite_url(file), scripts.folder) == Upgrade(None, "0001")
        scripts.write("0002", "0001", ADD_PAGES)
        assert upgrade(sqlite_url(file), scripts.folder) == Upgrade("0001", "0002")
        assert upgrade(sqlite_url(file), scripts.folder) == Upgrade("0002", "0002")

    def test_leaves_tables_alone_that_newer_code_has_made(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        newer = scripts.write("0002", "0001", ADD_PAGES)
        upgrade(sqlite_url(file), scripts.folder)
        newer.unlink()
        assert upgrade(sqlite_url(file), scripts.folder) == Upgrade("0002", "0002")
        assert columns(file) == ["id", "pages"]

    def test_does_nothing_the_second_time(self, scripts: MigrationScripts, file: Path) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        before = file.read_bytes()
        upgrade(sqlite_url(file), scripts.folder)
        assert file.read_bytes() == before

    def test_runs_what_came_since(self, scripts: MigrationScripts, file: Path) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0002", "0001", ADD_PAGES)
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id", "pages"]

    def test_an_upgrade_that_fails_halfway_leaves_the_tables_as_they_were(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0002", "0001", ADD_PAGES, FAIL)
        with pytest.raises(OSError, match="killed"):
            upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]

    def test_an_upgrade_that_failed_can_be_repeated(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        scripts.write("0001", None, CREATE_PAPERS, FAIL)
        with pytest.raises(OSError, match="killed"):
            upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0001", None, CREATE_PAPERS)
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]


class TestMigrations:
    async def test_upgrades_when_it_starts_and_keeps_nothing_open(
        self, scripts: MigrationScripts, file: Path
    ) -> None:
        migrations = Migrations(sqlite_url(file), scripts.folder)
        await migrations.start()
        await migrations.stop()
        assert columns(file) == ["id"]

    def test_is_named_after_its_service(self, scripts: MigrationScripts, file: Path) -> None:
        assert Migrations(sqlite_url(file), scripts.folder).name == "migrations of 100% papers"
