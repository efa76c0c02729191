"""No table of any service is without row-level security: a migration that forgets it fails here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

import audit.wiring
import gateway.wiring
import ingestion.wiring
from clientsphere_common.db.engine import open_blocking_engine
from tests.harness.databases import DatabaseUnderTest
from tests.harness.postgres_server import PostgresServer

SERVICES = [
    pytest.param(service.__name__, service.wiring.MIGRATIONS, id=service.__name__)
    for service in (audit, gateway, ingestion)
]
UNPROTECTED = text(
    """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('r', 'p')
      AND c.relnamespace = current_schema()::regnamespace
      AND c.relname <> 'alembic_version'
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
        SELECT 1 FROM pg_policies p
        WHERE p.schemaname = current_schema()
          AND p.tablename = c.relname
          AND p.cmd = 'ALL'
          AND p.qual LIKE '(' || '%id)::text = '
            || 'NULLIF(current_setting(''clientsphere.tenant_id''::text, true), ''''::text))'
          AND p.with_check = p.qual))
    ORDER BY c.relname
    """
)
OPEN_TO_ALL = text(
    """
    SELECT p.tablename || '.' || p.policyname FROM pg_policies p
    WHERE p.schemaname = current_schema()
      AND p.qual NOT LIKE '%current_setting(''clientsphere.tenant_id''::text, true)%'
      AND p.roles <> ARRAY['clientsphere_' || current_schema() || '_system']::name[]
    """
)


@pytest.fixture
def owner(postgres_database: DatabaseUnderTest) -> Iterator[Connection]:
    """Of the tables of a service."""
    postgres_database.upgrade(ingestion.wiring.MIGRATIONS)
    with open_blocking_engine(postgres_database.owner_url).connect() as connection:
        yield connection


class TestEveryTable:
    @pytest.mark.parametrize(("schema", "migrations"), SERVICES)
    def test_is_protected(
        self, postgres_server: PostgresServer, schema: str, migrations: Path
    ) -> None:
        with postgres_server.database(schema) as made:
            made.upgrade(migrations)
            with open_blocking_engine(made.owner_url).connect() as connection:
                assert connection.execute(UNPROTECTED).all() == []
                assert connection.execute(OPEN_TO_ALL).all() == []


class TestATableThatIsNot:
    @pytest.mark.parametrize(
        "mistake",
        [
            "ALTER TABLE documents NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE documents DISABLE ROW LEVEL SECURITY",
            "DROP POLICY rows_of_the_tenant ON documents",
            "ALTER POLICY rows_of_the_tenant ON documents USING (true)",
            "ALTER POLICY rows_of_the_tenant ON documents WITH CHECK (true)",
        ],
    )
    def test_is_named(self, owner: Connection, mistake: str) -> None:
        owner.execute(text(mistake))
        assert list(owner.execute(UNPROTECTED).scalars()) == ["documents"]

    def test_is_named_when_it_is_new(self, owner: Connection) -> None:
        owner.execute(text("CREATE TABLE notes (tenant_id text)"))
        assert list(owner.execute(UNPROTECTED).scalars()) == ["notes"]

    def test_cannot_be_read_by_the_service(
        self, owner: Connection, postgres_database: DatabaseUnderTest
    ) -> None:
        owner.execute(text("CREATE TABLE notes (tenant_id text)"))
        owner.commit()
        with (
            open_blocking_engine(postgres_database.url).connect() as service,
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            service.execute(text("SELECT tenant_id FROM notes"))

    def test_that_lets_all_rows_through_to_the_service_is_named(self, owner: Connection) -> None:
        owner.execute(text("CREATE POLICY open ON documents USING (true)"))
        assert list(owner.execute(OPEN_TO_ALL).scalars()) == ["documents.open"]
