"""The databases under test, as others than the service see them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, MetaData, text

from clientsphere_common.db.engine import open_blocking_engine, sqlite_url
from clientsphere_common.db.migrations import upgrade
from clientsphere_common.db.row_security import protect_rows


@dataclass(frozen=True)
class DatabaseUnderTest:
    url: str
    """As the service logs in."""
    owner_url: str
    """As migrations log in."""
    admin_url: str
    """As somebody logs in whom nothing stops."""
    schema: str = ""
    file: Path | None = None
    """Where it is one."""

    def upgrade(self, migrations: Path) -> None:
        if self.file is None or self.file.exists():
            upgrade(self.owner_url, migrations)
        else:
            self.file.write_bytes(_new_file(migrations))

    def create(self, metadata: MetaData) -> None:
        """Make the tables of a test as a migration would."""
        engine = open_blocking_engine(self.owner_url)
        with engine.begin() as connection:
            metadata.create_all(connection)
            with Operations.context(MigrationContext.configure(connection)):
                for table in metadata.sorted_tables:
                    if "tenant_id" in table.columns:
                        protect_rows(table.name)
                    elif self.schema:
                        connection.execute(text(f"GRANT ALL ON {table.name} TO PUBLIC"))

    def tamper(self, *statements: str) -> None:
        """Change rows behind the service's back; every statement must find some."""
        engine = open_blocking_engine(self.admin_url)
        with engine.begin() as connection:
            self._look_into_schema(connection)
            for statement in statements:
                assert connection.execute(text(statement)).rowcount > 0

    def close_connections(self) -> None:
        """As a server does that is started again."""
        engine = open_blocking_engine(self.admin_url)
        with engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    def has_process(self, process_id: object) -> bool:
        engine = open_blocking_engine(self.admin_url)
        with engine.begin() as connection:
            query = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
            return bool(connection.scalar(query, {"pid": process_id}))

    def _look_into_schema(self, connection: Connection) -> None:
        if self.schema:
            connection.execute(text(f"SET LOCAL search_path = {self.schema}"))


def sqlite_database(file: Path) -> DatabaseUnderTest:
    url = sqlite_url(file)
    return DatabaseUnderTest(url, url, url, file=file)


@cache
def _new_file(migrations: Path) -> bytes:
    """Once for all tests, of which most begin with one."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "new.db"
        upgrade(sqlite_url(file), migrations)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()
