"""A service's roles on a PostgreSQL server: made once, by an administrator, and kept small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.db.provisioning import RolePasswords, RoleTooPowerfulError, provision
from tests.harness.databases import DatabaseUnderTest


def ask(url: str, statement: str) -> object:
    with open_blocking_engine(url).begin() as connection:
        return connection.execute(text(statement)).scalar()


@contextmanager
def changed(database: DatabaseUnderTest, change: str, back: str) -> Iterator[None]:
    """Roles belong to all databases of a server: what a test changes has to be undone."""
    as_administrator(database, change)
    try:
        yield
    finally:
        as_administrator(database, back)


def as_administrator(database: DatabaseUnderTest, *statements: str) -> None:
    with open_blocking_engine(database.admin_url).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


class TestProvision:
    def test_may_be_repeated(self, postgres_database: DatabaseUnderTest) -> None:
        for _ in range(2):
            provision(postgres_database.admin_url, "under_test", RolePasswords())

    def test_leads_each_role_into_the_schema(self, postgres_database: DatabaseUnderTest) -> None:
        for url in (postgres_database.url, postgres_database.owner_url):
            assert ask(url, "SELECT current_schema()") == "under_test"

    def test_sets_the_passwords(self, postgres_database: DatabaseUnderTest) -> None:
        passwords = RolePasswords(login="it's", owner='"other"')
        provision(postgres_database.admin_url, "under_test", passwords)
        stored = (
            "SELECT count(DISTINCT rolpassword) FROM pg_authid"
            " WHERE rolname IN ('clientsphere_under_test', 'clientsphere_under_test_owner')"
            " AND rolpassword LIKE 'SCRAM-SHA-256$%'"
        )
        assert ask(postgres_database.admin_url, stored) == 2

    @pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS", "INHERIT"])
    def test_refuses_a_role_that_stands_above_row_security(
        self, postgres_database: DatabaseUnderTest, power: str
    ) -> None:
        role = "ALTER ROLE clientsphere_under_test"
        with (
            changed(postgres_database, f"{role} {power}", f"{role} NO{power}"),
            pytest.raises(RoleTooPowerfulError, match="clientsphere_under_test is"),
        ):
            provision(postgres_database.admin_url, "under_test", RolePasswords())

    def test_needs_no_superuser(self, postgres_database: DatabaseUnderTest) -> None:
        as_administrator(
            postgres_database,
            "DROP ROLE IF EXISTS manager",
            "CREATE ROLE manager LOGIN CREATEROLE",
            f"GRANT CREATE ON DATABASE {ask(postgres_database.url, 'SELECT current_database()')}"
            " TO manager",
        )
        manager_url = postgres_database.admin_url.replace("//postgres@", "//manager@")
        provision(manager_url, "managed", RolePasswords())
        owner_url = postgres_database.owner_url.replace("_under_test_owner@", "_managed_owner@")
        assert ask(owner_url, "SELECT current_schema()") == "managed"
