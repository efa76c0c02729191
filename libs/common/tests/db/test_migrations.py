"""Tables come to the newest schema, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import Migrations, upgrade

ENV = """
from sqlalchemy import MetaData
from clientsphere_common.db.migrations import run_env
run_env(MetaData())
"""

VERSION = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {before!r}


def upgrade() -> None:
{body}
"""

CREATE_PAPERS = 'op.create_table("papers", sa.Column("id", sa.String, primary_key=True))'
ADD_PAGES = 'op.add_column("papers", sa.Column("pages", sa.Integer))'
FAIL = 'raise OSError("killed")'


class Scripts:
    """The migrations of a made-up service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENV)

    def write(self, revision: str, before: str | None, *statements: str) -> None:
        body = "\n".join(f"    {statement}" for statement in statements)
        script = VERSION.format(revision=revision, before=before, body=body)
        (self.folder / "versions" / f"{revision}_step.py").write_text(script)


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    scripts = Scripts(tmp_path / "100% papers" / "migrations")
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
        self, scripts: Scripts, file: Path
    ) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]

    def test_does_nothing_the_second_time(self, scripts: Scripts, file: Path) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        before = file.read_bytes()
        upgrade(sqlite_url(file), scripts.folder)
        assert file.read_bytes() == before

    def test_runs_what_came_since(self, scripts: Scripts, file: Path) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0002", "0001", ADD_PAGES)
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id", "pages"]

    def test_an_upgrade_that_fails_halfway_leaves_the_tables_as_they_were(
        self, scripts: Scripts, file: Path
    ) -> None:
        upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0002", "0001", ADD_PAGES, FAIL)
        with pytest.raises(OSError, match="killed"):
            upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]

    def test_an_upgrade_that_failed_can_be_repeated(self, scripts: Scripts, file: Path) -> None:
        scripts.write("0001", None, CREATE_PAPERS, FAIL)
        with pytest.raises(OSError, match="killed"):
            upgrade(sqlite_url(file), scripts.folder)
        scripts.write("0001", None, CREATE_PAPERS)
        upgrade(sqlite_url(file), scripts.folder)
        assert columns(file) == ["id"]


class TestMigrations:
    async def test_upgrades_when_it_starts_and_keeps_nothing_open(
        self, scripts: Scripts, file: Path
    ) -> None:
        migrations = Migrations(sqlite_url(file), scripts.folder)
        await migrations.start()
        await migrations.stop()
        assert columns(file) == ["id"]

    def test_is_named_after_its_service(self, scripts: Scripts, file: Path) -> None:
        assert Migrations(sqlite_url(file), scripts.folder).name == "migrations of 100% papers"
