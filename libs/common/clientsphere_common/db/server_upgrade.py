"""Prepares a PostgreSQL server for this version of the services: roles, passwords, tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from alembic.util import CommandError
from psycopg.pq import PGconn, Ping
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from clientsphere_common.db.assembly import service_url
from clientsphere_common.db.migrations import Upgrade, upgrade
from clientsphere_common.db.postgres import ServiceRoles, connection_info
from clientsphere_common.db.postgres_password import is_about_password
from clientsphere_common.db.provisioning import RolePasswords, RoleTooPowerfulError, provision
from clientsphere_common.secrets.following import optional_secret
from clientsphere_common.secrets.ports import Secrets

_PING_TIMEOUT_S = 2
_PAUSE_S = 0.5


class ServerUpgradeError(RuntimeError):
    """What stands in the way, in one line without addresses that hold a password."""


@dataclass(frozen=True)
class ServerAccess:
    """How to come to the services' database on a server."""

    url: str
    """Without a user."""
    admin_url: str | None = field(repr=False)
    """Of somebody who may make roles; None when all that is there already."""
    passwords: Mapping[str, RolePasswords]
    """By service."""


async def read_access(url: str, services: Sequence[str], secrets: Secrets) -> ServerAccess:
    """From `database-admin-url`, `<service>-database-password` and `-database-owner-password`.

    Raises DependencyUnavailableError while their place does not answer, and ServerUpgradeError.
    """
    passwords = {
        service: RolePasswords(
            login=await _value(secrets, f"{service}-database-password"),
            owner=await _value(secrets, f"{service}-database-owner-password"),
        )
        for service in services
    }
    admin_url = await _value(secrets, "database-admin-url")
    try:
        is_usable = not admin_url or make_url(admin_url).get_backend_name() == "postgresql"
    except ArgumentError:
        is_usable = False
    if not is_usable:
        raise ServerUpgradeError(
            "The secret database-admin-url is no address such as"
            " postgresql://administrator:password@host:5432/database."
        )
    return ServerAccess(url, admin_url or None, passwords)


def wait_for_server(access: ServerAccess, wait_s: float, on_wait: Callable[[], None]) -> None:
    """Return when the server takes connections; `on_wait` is called once if it does not yet.

    Raises ServerUpgradeError when it does not within `wait_s`.
    """
    url = access.admin_url or access.url
    conninfo = connection_info(url, connect_timeout=_PING_TIMEOUT_S).encode()
    deadline_s, waits = time.monotonic() + wait_s, False
    while Ping(PGconn.ping(conninfo)) is not Ping.OK:
        if time.monotonic() >= deadline_s:
            raise ServerUpgradeError(
                f"The database server {_name(url)} did not answer within {wait_s:g} s."
            )
        if not waits:
            on_wait()
        waits = True
        time.sleep(_PAUSE_S)


def upgrade_on_server(access: ServerAccess, service: str, migrations: Path) -> Upgrade:
    """Roles, schema and passwords where there is an administrator; then the tables, as their owner.

    Nothing changes the second time, and several may do it at once. Raises ServerUpgradeError.
    """
    roles, passwords = ServiceRoles.of_service(service), access.passwords[service]
    if access.admin_url:
        with _told(service, "the administrator"):
            provision(access.admin_url, roles.schema, passwords)
    with _told(service, roles.owner):
        return upgrade(service_url(access.url, roles.owner, passwords.owner or None), migrations)


@contextmanager
def _told(service: str, role: str) -> Iterator[None]:
    try:
        yield
    except (RoleTooPowerfulError, CommandError) as error:
        raise ServerUpgradeError(f"{service}: {error}.") from error
    except (psycopg.Error, DBAPIError) as error:
        # Not SQLAlchemy's words: they would add the statement and its values.
        cause = error.orig if isinstance(error, DBAPIError) else error
        if is_about_password(cause):
            reason = f"the server refuses the password of {role}."
        else:
            reason = str(cause).strip().partition("\n")[0]
        raise ServerUpgradeError(f"{service}: {reason}") from error


async def _value(secrets: Secrets, name: str) -> str:
    secret = await optional_secret(secrets, name)
    return secret.value if secret else ""


def _name(url: str) -> str:
    parsed = make_url(url)
    return f"{parsed.host or parsed.query.get('host', 'localhost')}:{parsed.port or 5432}"
