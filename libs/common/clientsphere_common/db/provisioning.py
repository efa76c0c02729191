"""Makes the schema and the roles of one service on a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from clientsphere_common.db.postgres import ServiceRoles, connection_info

_CONNECT_TIMEOUT_S = 10
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('clientsphere/provisioning', 0))"
_STATEMENTS = (
    "GRANT {system} TO {login}, {owner}",
    # Only who could be the owner may make things for it.
    "GRANT {owner} TO CURRENT_USER",
    "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}",
    "GRANT USAGE ON SCHEMA {schema} TO {login}, {system}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
    " GRANT USAGE ON SEQUENCES TO {login}, {system}",
    "ALTER ROLE {login} LOGIN",
    "ALTER ROLE {owner} LOGIN",
    "ALTER ROLE {login} SET search_path = {schema}",
    "ALTER ROLE {owner} SET search_path = {schema}",
)


@dataclass(frozen=True)
class RolePasswords:
    """Empty where the server knows another way to tell who logs in."""

    login: str = field(default="", repr=False)
    owner: str = field(default="", repr=False)


class RoleTooPowerfulError(RuntimeError):
    """A role of a service could pass row-level security."""


def provision(admin_url: str, schema: str, passwords: RolePasswords) -> None:
    """Make what is missing in the database at `admin_url`; nothing changes the second time.

    The administrator need not be a superuser, but must be able to create roles and schemas. The
    service can afterwards neither change a table nor see a row without saying whose. Raises
    RoleTooPowerfulError for a role that was there before and stands above that.
    """
    roles = ServiceRoles(schema)
    admin = connection_info(admin_url, connect_timeout=_CONNECT_TIMEOUT_S)
    with psycopg.connect(admin) as connection:
        connection.execute(_ONE_AT_A_TIME)
        for role in (roles.login, roles.owner, roles.system):
            _make(connection, role)
        for statement in _STATEMENTS:
            connection.execute(
                sql.SQL(statement).format(
                    schema=sql.Identifier(schema),
                    login=sql.Identifier(roles.login),
                    owner=sql.Identifier(roles.owner),
                    system=sql.Identifier(roles.system),
                )
            )
        _set_password(connection, roles.login, passwords.login)
        _set_password(connection, roles.owner, passwords.owner)


def _make(connection: psycopg.Connection, role: str) -> None:
    """NOINHERIT: a member of the system role has nothing of it until it takes the role on."""
    powers = "SELECT rolsuper OR rolbypassrls OR rolinherit FROM pg_roles WHERE rolname = %s"
    found = connection.execute(powers, [role]).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOINHERIT").format(sql.Identifier(role)))
    elif found[0]:
        raise RoleTooPowerfulError(
            f"{role} is a superuser, passes row-level security or inherits from its roles"
        )


def _set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """The server, and so its log, gets to see a hash."""
    if password:
        encrypted = connection.pgconn.encrypt_password(password.encode(), role.encode())
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(encrypted.decode())))
