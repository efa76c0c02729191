"""A PostgreSQL server that is slow, full, frozen or away is told as such, and in time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import String, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.session import Database, TenantScoped
from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running


class Base(DeclarativeBase):
    pass


class Paper(TenantScoped, Base):
    __tablename__ = "papers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)


@pytest.fixture
def papers(postgres_database: DatabaseUnderTest) -> DatabaseUnderTest:
    postgres_database.create(Base.metadata)
    return postgres_database


@asynccontextmanager
async def opened(papers: DatabaseUnderTest, limits: DatabaseLimits) -> AsyncIterator[Database]:
    database = Database(papers.url, limits)
    async with running(database):
        yield database


async def execute(session: AsyncSession, statement: str) -> object:
    return await (await session.connection()).scalar(text(statement))


async def read(database: Database) -> None:
    async with database.transaction("a") as session:
        await session.scalars(select(Paper))


class TestLimits:
    async def test_a_statement_is_ended(self, papers: DatabaseUnderTest) -> None:
        async with opened(papers, DatabaseLimits(statement_timeout_s=0.1)) as database:
            with pytest.raises(DependencyUnavailableError):
                await self._sleep_in_the_database(database)
            await read(database)

    async def test_a_writer_waits_for_another_of_its_tenant_only_so_long(
        self, papers: DatabaseUnderTest
    ) -> None:
        async with (
            opened(papers, DatabaseLimits(lock_timeout_s=0.1)) as database,
            database.transaction("a") as first,
        ):
            await first.scalars(select(Paper))
            with pytest.raises(DependencyUnavailableError):
                await read(database)
            async with database.transaction("b") as other_tenant:
                await other_tenant.scalars(select(Paper))

    async def test_a_pause_in_a_transaction_ends_it(self, papers: DatabaseUnderTest) -> None:
        async with opened(papers, DatabaseLimits(idle_timeout_s=0.1)) as database:
            with pytest.raises(DependencyUnavailableError):
                await self._pause_until_ended(database, papers)
            await read(database)

    async def test_a_connection_is_waited_for_only_so_long(self, papers: DatabaseUnderTest) -> None:
        limits = DatabaseLimits(connections=1, connection_wait_s=0.1)
        async with opened(papers, limits) as database, database.snapshot("a") as first:
            await first.scalars(select(Paper))
            with pytest.raises(DependencyUnavailableError):
                await read(database)

    async def test_a_server_that_hangs_is_given_up(self, papers: DatabaseUnderTest) -> None:
        limits = DatabaseLimits(connections=1, transaction_timeout_s=0.1)
        async with opened(papers, limits) as database:
            async with database.transaction("a") as session:
                process_id = await execute(session, "SELECT pg_backend_pid()")
            assert isinstance(process_id, int)
            with frozen(process_id), pytest.raises(DependencyUnavailableError):
                await read(database)
            await read(database)

    async def test_a_timeout_of_the_block_itself_stays_what_it_is(
        self, papers: DatabaseUnderTest
    ) -> None:
        async with opened(papers, DatabaseLimits()) as database:
            with pytest.raises(TimeoutError):
                await self._time_out(database)

    async def _sleep_in_the_database(self, database: Database) -> None:
        async with database.transaction("a") as session:
            await execute(session, "SELECT pg_sleep(30)")

    async def _pause_until_ended(self, database: Database, papers: DatabaseUnderTest) -> None:
        async with database.transaction("a") as session:
            process_id = await execute(session, "SELECT pg_backend_pid()")
            while papers.has_process(process_id):
                await asyncio.sleep(0.01)
            await session.scalars(select(Paper))

    async def _time_out(self, database: Database) -> None:
        async with database.transaction("a"):
            raise TimeoutError


class TestValues:
    @pytest.mark.parametrize("paper_id", ["a\0b", "a" * 65])
    async def test_that_cannot_be_stored_are_told_as_such(
        self, papers: DatabaseUnderTest, paper_id: str
    ) -> None:
        async with opened(papers, DatabaseLimits()) as database:
            with pytest.raises(InvalidInputError) as refused:
                await self._add(database, paper_id)
        assert refused.value.code == "value_not_storable"

    async def test_of_a_failed_statement_are_not_in_its_error(
        self, papers: DatabaseUnderTest
    ) -> None:
        async with (
            opened(papers, DatabaseLimits()) as database,
            database.snapshot("a") as session,
        ):
            session.add(Paper(id="secret"))
            with pytest.raises(DBAPIError) as failed:
                await session.flush()
        assert "secret" not in str(failed.value)

    async def _add(self, database: Database, paper_id: str) -> None:
        async with database.transaction("a") as session:
            session.add(Paper(id=paper_id))


class TestServer:
    async def test_that_is_away_fails_the_check_and_not_the_start(self) -> None:
        database = Database("postgresql+psycopg://nobody@/none?host=/nowhere")
        async with running(database):
            with pytest.raises(DependencyUnavailableError) as failed:
                await database.check()
        assert failed.value.code == "database_unavailable"

    async def test_that_has_closed_its_connections_is_asked_anew(
        self, papers: DatabaseUnderTest
    ) -> None:
        async with opened(papers, DatabaseLimits()) as database:
            await read(database)
            papers.close_connections()
            await read(database)


@contextmanager
def frozen(process_id: int) -> Iterator[None]:
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)
