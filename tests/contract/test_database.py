"""A session of one tenant neither sees nor touches a row of another, whatever the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import ForeignKey, delete, func, insert, select, text, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    aliased,
    mapped_column,
    relationship,
    selectinload,
)

from clientsphere_common.db.session import Database, ForeignRowError, TenantScoped
from tests.harness.databases import DatabaseUnderTest


class Base(DeclarativeBase):
    pass


class Folder(TenantScoped, Base):
    __tablename__ = "folders"

    id: Mapped[str] = mapped_column(primary_key=True)
    papers: Mapped[list[Paper]] = relationship(order_by="Paper.id")


class Paper(TenantScoped, Base):
    __tablename__ = "papers"

    id: Mapped[str] = mapped_column(primary_key=True)
    folder_id: Mapped[str] = mapped_column(ForeignKey("folders.id"))
    pages: Mapped[int]


class Currency(Base):
    """Belongs to nobody."""

    __tablename__ = "currencies"

    code: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture
async def database(database_under_test: DatabaseUnderTest) -> AsyncIterator[Database]:
    """Tenants a and b with a folder each, and three papers of 10, 20 and 30 pages in it."""
    database_under_test.create(Base.metadata)
    database = Database(database_under_test.url)
    await database.start()
    for tenant_id in ("a", "b"):
        async with database.transaction(tenant_id) as session:
            session.add(Folder(id=f"{tenant_id}-folder"))
            await session.flush()
            for number in (1, 2, 3):
                session.add(
                    Paper(
                        id=f"{tenant_id}{number}",
                        folder_id=f"{tenant_id}-folder",
                        pages=number * 10,
                    )
                )
    yield database
    await database.stop()


async def all_papers(database: Database) -> dict[str, int]:
    async with database.system_transaction() as session:
        return {paper.id: paper.pages for paper in await session.scalars(select(Paper))}


class TestReading:
    async def test_a_query_finds_rows_of_the_tenant_only(self, database: Database) -> None:
        async with database.snapshot("a") as session:
            found = await session.scalars(select(Paper.id).order_by(Paper.id))
            assert list(found) == ["a1", "a2", "a3"]

    async def test_the_tenant_of_an_earlier_session_is_forgotten(self, database: Database) -> None:
        for tenant_id in ("a", "b", "a"):
            async with database.snapshot(tenant_id) as session:
                found = await session.scalars(select(Paper.tenant_id).distinct())
                assert list(found) == [tenant_id]

    async def test_a_foreign_id_finds_nothing(self, database: Database) -> None:
        async with database.snapshot("a") as session:
            assert await session.get(Paper, "b1") is None
            assert await session.scalar(select(Paper).where(Paper.id == "b1")) is None

    async def test_nothing_foreign_is_counted(self, database: Database) -> None:
        queries = (
            select(func.count()).select_from(Paper),
            select(func.count(Paper.id)),
            select(func.count()).select_from(select(Paper).subquery()),
            select(func.count()).select_from(select(Paper.id).cte()),
        )
        async with database.snapshot("a") as session:
            assert [await session.scalar(query) for query in queries] == [3, 3, 3, 3]

    async def test_an_alias_or_a_subquery_does_not_reach_further(self, database: Database) -> None:
        other = aliased(Paper)
        foreign_twin = select(other.id).where(other.pages == Paper.pages, other.id.like("b%"))
        async with database.snapshot("a") as session:
            joined = await session.execute(
                select(Paper.id, other.id).join(other, other.pages == Paper.pages)
            )
            assert sorted(map(tuple, joined)) == [("a1", "a1"), ("a2", "a2"), ("a3", "a3")]
            assert (await session.scalars(select(Paper).where(foreign_twin.exists()))).all() == []

    async def test_a_union_does_not_reach_further(self, database: Database) -> None:
        query = select(Paper.id).union(select(aliased(Paper).id))
        async with database.snapshot("a") as session:
            assert sorted(await session.scalars(query)) == ["a1", "a2", "a3"]

    async def test_a_relationship_leads_to_rows_of_the_tenant_only(
        self, database: Database
    ) -> None:
        async with database.system_transaction() as session:
            session.add(Paper(id="b9", folder_id="a-folder", pages=1, tenant_id="b"))
        async with database.snapshot("a") as session:
            folder = await session.scalar(select(Folder).options(selectinload(Folder.papers)))
            assert folder is not None
            assert [paper.id for paper in folder.papers] == ["a1", "a2", "a3"]

    async def test_a_table_without_tenants_is_for_all(self, database: Database) -> None:
        async with database.transaction("a") as session:
            session.add(Currency(code="EUR"))
        async with database.snapshot("b") as session:
            assert list(await session.scalars(select(Currency.code))) == ["EUR"]

    @pytest.mark.parametrize(
        "query",
        [
            text("SELECT id FROM papers"),
            select(Paper.__table__.c.id),
            select(Paper.id).from_statement(text("SELECT id FROM papers")),
        ],
        ids=["text", "bare table", "text as a mapped class"],
    )
    async def test_sql_that_knows_no_tenant_is_refused(
        self, database: Database, query: object
    ) -> None:
        async with database.snapshot("a") as session:
            with pytest.raises(ForeignRowError):
                await session.execute(query)  # type: ignore[call-overload] # three kinds at once

    async def test_a_session_without_a_tenant_does_not_exist(self, database: Database) -> None:
        with pytest.raises(ValueError, match="needs a tenant"):
            await database.snapshot("").__aenter__()

    async def test_a_snapshot_does_not_wait_for_a_writer(self, database: Database) -> None:
        async with database.transaction("a") as writer:
            await writer.execute(update(Paper).values(pages=0))
            async with database.snapshot("a") as session:
                assert await session.scalar(select(func.min(Paper.pages))) == 10

    async def test_a_system_snapshot_sees_all_tenants_and_waits_for_nobody(
        self, database: Database
    ) -> None:
        async with database.transaction("a") as writer:
            await writer.execute(update(Paper).values(pages=0))
            async with database.system_snapshot() as session:
                assert await session.scalar(select(func.sum(Paper.pages))) == 120


class TestWriting:
    async def test_a_new_row_belongs_to_the_tenant(self, database: Database) -> None:
        async with database.transaction("a") as session:
            session.add(Paper(id="new", folder_id="a-folder", pages=1))
        async with database.snapshot("a") as session:
            assert (await session.get_one(Paper, "new")).tenant_id == "a"

    async def test_a_row_for_another_tenant_is_refused(self, database: Database) -> None:
        with pytest.raises(ForeignRowError, match="Paper"):
            async with database.transaction("a") as session:
                session.add(Paper(id="new", folder_id="a-folder", pages=1, tenant_id="b"))
        assert "new" not in await all_papers(database)

    async def test_a_row_cannot_be_given_to_another_tenant(self, database: Database) -> None:
        with pytest.raises(ForeignRowError):
            async with database.transaction("a") as session:
                (await session.get_one(Paper, "a1")).tenant_id = "b"

    async def test_a_row_read_for_another_tenant_cannot_be_deleted(
        self, database: Database
    ) -> None:
        async with database.snapshot("b") as session:
            foreign = await session.get_one(Paper, "b1")
        with pytest.raises(ForeignRowError, match="Paper"):
            async with database.transaction("a") as session:
                await session.delete(foreign)
        assert "b1" in await all_papers(database)

    async def test_a_row_read_for_another_tenant_cannot_be_changed(
        self, database: Database
    ) -> None:
        async with database.snapshot("b") as session:
            foreign = await session.get_one(Paper, "b1")
        foreign.pages = 0
        with pytest.raises(ForeignRowError):
            async with database.transaction("a") as session:
                session.add(foreign)
        assert (await all_papers(database))["b1"] == 10

    async def test_an_update_changes_rows_of_the_tenant_only(self, database: Database) -> None:
        async with database.transaction("a") as session:
            await session.execute(update(Paper).values(pages=0))
        pages = await all_papers(database)
        assert {paper for paper, count in pages.items() if count == 0} == {"a1", "a2", "a3"}

    async def test_a_delete_removes_rows_of_the_tenant_only(self, database: Database) -> None:
        async with database.transaction("a") as session:
            await session.execute(delete(Paper))
        assert set(await all_papers(database)) == {"b1", "b2", "b3"}

    async def test_a_bulk_insert_is_refused_because_nobody_would_check_it(
        self, database: Database
    ) -> None:
        rows = [{"id": "new", "folder_id": "b-folder", "pages": 1, "tenant_id": "b"}]
        async with database.transaction("a") as session:
            with pytest.raises(ForeignRowError):
                await session.execute(insert(Paper), rows)

    async def test_a_block_that_raises_writes_nothing(self, database: Database) -> None:
        with pytest.raises(LookupError):
            await self._write_then_fail(database)
        assert len(await all_papers(database)) == 6

    async def test_writers_of_many_tasks_do_not_lose_each_others_changes(
        self, database: Database
    ) -> None:
        async def add_a_page() -> None:
            async with database.transaction("a") as session:
                paper = await session.get_one(Paper, "a1")
                paper.pages += 1

        await asyncio.gather(*(add_a_page() for _ in range(30)))
        assert (await all_papers(database))["a1"] == 40

    async def test_writers_that_are_cancelled_keep_nobody_waiting(self, database: Database) -> None:
        async def write_and_read() -> None:
            async with database.transaction("a") as session:
                await session.execute(update(Paper).values(pages=0))
                await session.execute(select(Paper))

        # Their failures are kept, and with them whatever each was in the middle of.
        cancelled = []
        for steps in range(60):
            task = asyncio.create_task(write_and_read())
            for _ in range(steps * 20):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            cancelled.append(task)
        async with asyncio.timeout(5):
            await write_and_read()
        assert any(task.cancelled() for task in cancelled)

    async def _write_then_fail(self, database: Database) -> None:
        async with database.transaction("a") as session:
            session.add(Paper(id="new", folder_id="a-folder", pages=1))
            await session.flush()
            raise LookupError


class TestDatabase:
    async def test_answers_a_check(self, database: Database) -> None:
        await database.check()
