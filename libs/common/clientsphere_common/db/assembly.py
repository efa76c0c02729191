"""Chooses where a service keeps its tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import make_url

from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import Migrations
from clientsphere_common.db.postgres import ServiceRoles, open_postgres
from clientsphere_common.db.postgres_password import ServicePassword
from clientsphere_common.db.readiness import TablesCheck
from clientsphere_common.db.session import Database
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.modules import Opened
from clientsphere_common.readiness import Check
from clientsphere_common.secrets.ports import Secrets

_CHECK_TIMEOUT_S = 2


async def open_tables(
    settings: DatabaseSettings, service: str, migrations: Path, data_dir: Path, secrets: Secrets
) -> Opened[Database]:
    """SQLite: brought to the newest schema at start. PostgreSQL: `clientsphere migrate` does that.

    On PostgreSQL the service is the role of its name, with the secret
    `<service>-database-password`; where there is none, without a password.
    """
    if not settings.url:
        return sqlite_tables(service, migrations, data_dir)
    url = service_url(settings.url, ServiceRoles.of_service(service).login)
    password = ServicePassword(secrets, f"{service}-database-password")
    database = Database(url, settings.limits, password)
    hurried = replace(
        settings.limits,
        connections=1,
        connect_timeout_s=_CHECK_TIMEOUT_S,
        statement_timeout_s=_CHECK_TIMEOUT_S,
    )
    check = TablesCheck(open_postgres(url, hurried, password), migrations)
    return Opened(database, (database, check), (Check(_check_name(service), check.ask),))


def sqlite_tables(service: str, migrations: Path, data_dir: Path) -> Opened[Database]:
    """One file in `data_dir`, brought to the newest schema at start."""
    url = sqlite_url(data_dir / f"{service}.db")
    database = Database(url)
    modules = (Migrations(url, migrations), database)
    return Opened(database, modules, (Check(_check_name(service), database.check),))


def _check_name(service: str) -> str:
    return f"{service} tables"


def service_url(url: str, role: str, password: str | None = None) -> str:
    """The database at `url` for `role`; without `password` each connection brings its own."""
    named = make_url(url).set(drivername="postgresql+psycopg", username=role, password=password)
    return named.render_as_string(hide_password=False)
