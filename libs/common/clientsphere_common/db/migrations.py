"""Brings a service's tables to the newest schema before anything uses them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.engine import make_url

from clientsphere_common.db import postgres
from clientsphere_common.db.engine import open_blocking_engine

_CONNECTION = "clientsphere_connection"
_ONE_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/migrations', 0))"
)


@dataclass(frozen=True)
class Revisions:
    """The revisions of a schema that the code knows, each made of those before it."""

    known: frozenset[str] = frozenset()
    newest: str | None = None

    @classmethod
    def of(cls, folder: Path) -> Revisions:
        scripts = ScriptDirectory.from_config(_config(folder))
        known = frozenset(script.revision for script in scripts.walk_revisions())
        return cls(known, scripts.get_current_head())

    def is_behind(self, revision: str | None) -> bool:
        """One that the code does not know was made by newer code, which keeps the older working."""
        return revision is None or (revision in self.known and revision != self.newest)


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade found, and what it left."""

    before: str | None
    after: str | None


class Migrations:
    """Upgrades the database at `url` with the Alembic scripts in `folder` when it starts."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    @property
    def name(self) -> str:
        return f"migrations of {self._folder.parent.name}"

    async def start(self) -> None:
        await asyncio.to_thread(upgrade, self._url, self._folder)

    async def stop(self) -> None:
        """Nothing stays open."""


def upgrade(url: str, folder: Path) -> Upgrade:
    """Run the scripts that the database has not seen yet; does nothing when it is up to date.

    All of them in one transaction: a killed or failed upgrade leaves the tables as they were.
    Tables that newer code has made are left as they are.
    """
    config, revisions = _config(folder), Revisions.of(folder)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = open_blocking_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == postgres.NAME:
            connection.execute(_ONE_AT_A_TIME)
        before = MigrationContext.configure(connection).get_current_revision()
        if not revisions.is_behind(before):
            return Upgrade(before, before)
        config.attributes[_CONNECTION] = connection
        logging.getLogger("alembic").setLevel(logging.WARNING)
        command.upgrade(config, "head")
        if engine.dialect.name == postgres.NAME:
            _show_revision(connection)
    return Upgrade(before, revisions.newest)


def _show_revision(connection: Connection) -> None:
    """To the service, whose readiness depends on it."""
    roles = postgres.ServiceRoles(connection.scalar(text("SELECT current_schema()")))
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {roles.login}"))


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def run_env(metadata: MetaData) -> None:
    """The whole body of a service's migrations/env.py."""
    connection: Connection = context.config.attributes[_CONNECTION]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
