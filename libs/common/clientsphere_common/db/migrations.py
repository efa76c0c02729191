"""Brings a service's tables to the newest schema before anything uses them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url

from clientsphere_common.db.engine import open_blocking_engine

_CONNECTION = "clientsphere_connection"


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


def upgrade(url: str, folder: Path) -> None:
    """Run the scripts that the database has not seen yet; does nothing when it is up to date.

    All of them in one transaction: a killed or failed upgrade leaves the tables as they were.
    """
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    if file := make_url(url).database:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = open_blocking_engine(url)
    with engine.begin() as connection:
        if MigrationContext.configure(connection).get_current_revision() == head:
            return
        config.attributes[_CONNECTION] = connection
        logging.getLogger("alembic").setLevel(logging.WARNING)
        command.upgrade(config, "head")


def run_env(metadata: MetaData) -> None:
    """The whole body of a service's migrations/env.py."""
    connection: Connection = context.config.attributes[_CONNECTION]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
