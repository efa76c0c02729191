"""On PostgreSQL the database itself keeps tenants apart, also when the code forgets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.session import Database, TenantScoped
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running
from tests.harness.postgres_server import PostgresServer


class Base(DeclarativeBase):
    pass


class Paper(TenantScoped, Base):
    __tablename__ = "papers"

    id: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture
def papers(postgres_database: DatabaseUnderTest) -> DatabaseUnderTest:
    postgres_database.create(Base.metadata)
    return postgres_database


@pytest.fixture
async def database(papers: DatabaseUnderTest) -> AsyncIterator[Database]:
    """Tenants a and b with a paper each; all sessions share one connection."""
    database = Database(papers.url, DatabaseLimits(connections=1))
    async with running(database):
        for tenant_id in ("a", "b"):
            async with database.transaction(tenant_id) as session:
                session.add(Paper(id=f"{tenant_id}1"))
        yield database


async def raw(database: Database, tenant_id: str, statement: str) -> list[Any]:
    """What `statement` finds in a transaction of the tenant when no mapped class is in between."""
    async with database.transaction(tenant_id) as session:
        connection = await session.connection()
        return list((await connection.execute(text(statement))).scalars())


def without_tenant(papers: DatabaseUnderTest, statement: str) -> list[Any]:
    """What `statement` finds when somebody logs in as the service and says nothing else."""
    with open_blocking_engine(papers.url).begin() as connection:
        return list(connection.execute(text(statement)).scalars())


class TestTenants:
    async def test_sql_text_sees_the_rows_of_the_tenant_only(self, database: Database) -> None:
        assert await raw(database, "a", "SELECT id FROM papers") == ["a1"]
        assert await raw(database, "b", "SELECT id FROM papers") == ["b1"]

    async def test_sql_text_changes_the_rows_of_the_tenant_only(self, database: Database) -> None:
        moved = await raw(database, "a", "UPDATE papers SET id = id || '!' RETURNING id")
        gone = await raw(database, "a", "DELETE FROM papers RETURNING id")
        assert (moved, gone) == (["a1!"], ["a1!"])
        assert await raw(database, "b", "SELECT id FROM papers") == ["b1"]

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO papers (id, tenant_id) VALUES ('new', 'b') RETURNING id",
            "INSERT INTO papers (id, tenant_id) VALUES ('new', '') RETURNING id",
            "UPDATE papers SET tenant_id = 'b' RETURNING id",
        ],
    )
    async def test_sql_text_cannot_write_a_row_of_another_tenant(
        self, database: Database, statement: str
    ) -> None:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await raw(database, "a", statement)

    async def test_who_names_no_tenant_sees_nothing(
        self, database: Database, papers: DatabaseUnderTest
    ) -> None:
        assert without_tenant(papers, "SELECT id FROM papers") == []
        with pytest.raises(ProgrammingError, match="row-level security"):
            without_tenant(papers, "INSERT INTO papers (id, tenant_id) VALUES ('new', 'a')")

    async def test_the_owner_of_the_tables_is_not_above_it(
        self, database: Database, papers: DatabaseUnderTest
    ) -> None:
        with open_blocking_engine(papers.owner_url).begin() as connection:
            assert connection.execute(text("SELECT id FROM papers")).all() == []

    async def test_a_snapshot_cannot_write(self, database: Database) -> None:
        async with database.snapshot("a") as session:
            session.add(Paper(id="new"))
            with pytest.raises(DBAPIError, match="read-only transaction"):
                await session.flush()

    async def test_a_snapshot_stays_at_its_moment(self, papers: DatabaseUnderTest) -> None:
        database = Database(papers.url)
        async with running(database), database.snapshot("a") as snapshot:
            assert await snapshot.get(Paper, "a1") is None
            async with database.transaction("a") as session:
                session.add(Paper(id="a1"))
            assert await snapshot.get(Paper, "a1") is None


class TestSystemTransactions:
    async def test_see_all_tenants(self, database: Database) -> None:
        async with database.system_transaction() as session:
            connection = await session.connection()
            found = (await connection.execute(text("SELECT id FROM papers ORDER BY id"))).scalars()
            assert list(found) == ["a1", "b1"]

    async def test_leave_nothing_behind(self, database: Database) -> None:
        async with database.system_transaction() as session:
            await session.get(Paper, "a1")
        assert await raw(database, "a", "SELECT id FROM papers") == ["a1"]
        assert await raw(database, "a", "SELECT current_user") == ["clientsphere_under_test"]


class TestPooledConnections:
    """There is one connection, and the next transaction gets it."""

    async def left_over(self, database: Database) -> list[str]:
        async with database._opened().connect() as connection:
            tenant = await connection.scalar(
                text("SELECT current_setting('clientsphere.tenant_id', true)")
            )
            found = await connection.execute(text("SELECT id FROM papers"))
            return [*filter(None, [tenant]), *found.scalars()]

    async def test_a_tenant_ends_with_its_transaction(self, database: Database) -> None:
        async with database.transaction("a") as session:
            await session.get(Paper, "a1")
        assert await self.left_over(database) == []

    async def test_a_tenant_that_has_ended_is_not_an_empty_one(
        self, database: Database, papers: DatabaseUnderTest
    ) -> None:
        papers.tamper("INSERT INTO papers (id, tenant_id) VALUES ('nobodys', '')")
        await raw(database, "a", "SELECT id FROM papers")
        assert await self.left_over(database) == []

    async def test_a_tenant_ends_with_a_failed_statement(self, database: Database) -> None:
        with pytest.raises(ProgrammingError):
            await raw(database, "a", "SELECT nonsense")
        assert await self.left_over(database) == []

    async def test_a_tenant_ends_with_a_failed_block(self, database: Database) -> None:
        with pytest.raises(LookupError):
            await self._read_then_fail(database)
        assert await self.left_over(database) == []

    @pytest.mark.parametrize("kind", ["tenant", "system"])
    async def test_a_tenant_ends_with_a_cancelled_task(self, database: Database, kind: str) -> None:
        async def sleep_in_the_database() -> None:
            begun = database.transaction("a") if kind == "tenant" else database.system_transaction()
            async with begun as session:
                await (await session.connection()).execute(text("SELECT pg_sleep(30)"))

        for steps in range(0, 60, 3):
            task = asyncio.create_task(sleep_in_the_database())
            for _ in range(steps):
                await asyncio.sleep(0.0005)
            task.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait({task})
            assert await self.left_over(database) == []

    async def _read_then_fail(self, database: Database) -> None:
        async with database.transaction("a") as session:
            await session.get(Paper, "a1")
            raise LookupError


class TestRoles:
    async def test_none_of_a_service_passes_row_security(self, papers: DatabaseUnderTest) -> None:
        above = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'clientsphere%' AND"
        powers = "(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit)"
        assert without_tenant(papers, f"{above} {powers}") == []

    async def test_the_service_owns_no_table(self, papers: DatabaseUnderTest) -> None:
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'under_test'"
        assert without_tenant(papers, owners) == ["clientsphere_under_test_owner"]

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE more (id text)",
            "ALTER TABLE papers DISABLE ROW LEVEL SECURITY",
            "DROP POLICY rows_of_the_tenant ON papers",
            "TRUNCATE papers",
            "SET ROLE clientsphere_under_test_owner",
        ],
    )
    async def test_the_service_cannot_change_the_rules(
        self, papers: DatabaseUnderTest, statement: str
    ) -> None:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            without_tenant(papers, statement)

    async def test_a_service_does_not_reach_the_schema_of_another(
        self, postgres_server: PostgresServer, papers: DatabaseUnderTest
    ) -> None:
        other = papers.url.replace("//clientsphere_under_test@", "//clientsphere_audit@")
        with (
            postgres_server.database("audit"),
            open_blocking_engine(other).connect() as connection,
            pytest.raises(ProgrammingError, match="permission denied for schema"),
        ):
            connection.execute(text("SELECT id FROM under_test.papers"))
