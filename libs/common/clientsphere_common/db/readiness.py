"""Whether a service can use its tables on a PostgreSQL server: it answers, they are migrated."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from clientsphere_common.db.migrations import Revisions
from clientsphere_common.db.postgres import read_only_postgres
from clientsphere_common.db.postgres_password import is_about_password
from clientsphere_common.errors import DependencyUnavailableError

log = structlog.get_logger(__name__)

_PATIENCE_S = 1.0
_REVISION = text("SELECT version_num FROM alembic_version")
_NO_TABLE_OR_NO_RIGHT = {"42P01", "42501"}


class TablesCheck:
    """A module. `ask` answers within a second, whatever the server does.

    `engine` is for this alone: a pool whose connections are all busy is no reason to send
    requests elsewhere.
    """

    def __init__(self, engine: AsyncEngine, migrations: Path) -> None:
        self._engine = engine
        self._migrations = migrations
        self._revisions = Revisions()
        self._asking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return "tables check"

    async def start(self) -> None:
        self._revisions = await asyncio.to_thread(Revisions.of, self._migrations)

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
            self._asking = None
        await self._engine.dispose()

    async def ask(self) -> None:
        """Raise DependencyUnavailableError with the reason why the tables cannot be used.

        A question that hangs is not asked twice: it is answered when the server goes on.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            # Nobody may be waiting any more when it fails, and that is no news.
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.wait({self._asking}, timeout=_PATIENCE_S)
        if not self._asking.done():
            raise DependencyUnavailableError(
                "database_unavailable", f"The database did not answer within {_PATIENCE_S:.0f} s."
            )
        self._asking.result()

    async def _ask(self) -> None:
        try:
            async with read_only_postgres(self._engine).connect() as connection:
                revision = await connection.scalar(_REVISION)
        except sqlalchemy_errors.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _NO_TABLE_OR_NO_RIGHT:
                raise _not_migrated() from error
            raise _unavailable(error) from error
        if self._revisions.is_behind(revision):
            raise _not_migrated()


def _not_migrated() -> DependencyUnavailableError:
    return DependencyUnavailableError(
        "database_not_migrated",
        "The tables have not been migrated yet: run `clientsphere migrate`.",
    )


def _unavailable(error: sqlalchemy_errors.DBAPIError) -> DependencyUnavailableError:
    log.info("database_not_ready", reason=str(error.orig))
    if is_about_password(error.orig):
        return DependencyUnavailableError(
            "database_login_refused", "The database does not let this service in."
        )
    return DependencyUnavailableError("database_unavailable", "The database is not answering.")
