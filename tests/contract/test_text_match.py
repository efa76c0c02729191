"""Names are found by a piece of them, and every database finds the same ones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.session import Database, TenantScoped
from clientsphere_common.db.text_match import holds
from tests.harness.databases import DatabaseUnderTest

KELVIN = "\N{KELVIN SIGN}"
DOTTED_I = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
DECOMPOSED = "U\N{COMBINING DIAERESIS}bersicht"
NAMES = (
    "Report 2026.pdf",
    "report_2026.pdf",
    "100% wool.txt",
    "C:\\notes\\today.md",
    "a/b.csv",
    "'quoted' \"twice\"; DROP TABLE names--.txt",
    "Übersicht.txt",
    "ÜBERSICHT.TXT",
    DECOMPOSED,
    f"{KELVIN}elvin",
    f"{DOTTED_I}stanbul",
    "Straße",
    "STRASSE",
    "👩‍🔬 lab.txt",
)


class Base(DeclarativeBase):
    pass


class Named(TenantScoped, Base):
    __tablename__ = "names"

    name: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture
async def database(database_under_test: DatabaseUnderTest) -> AsyncIterator[Database]:
    database_under_test.create(Base.metadata)
    database = Database(database_under_test.url)
    await database.start()
    async with database.transaction("a") as session:
        session.add_all([Named(name=name) for name in NAMES])
    yield database
    await database.stop()


async def found(database: Database, piece: str) -> set[str]:
    async with database.snapshot("a") as session:
        return set(await session.scalars(select(Named.name).where(holds(Named.name, piece))))


class TestHolds:
    @pytest.mark.parametrize(
        ("piece", "names"),
        [
            ("REPORT", {"Report 2026.pdf", "report_2026.pdf"}),
            ("t 2", {"Report 2026.pdf"}),
            (".TXT", {name for name in NAMES if name.lower().endswith(".txt")}),
            ("nothing has this", set()),
            ("", set(NAMES)),
        ],
    )
    async def test_a_piece_in_either_case(
        self, database: Database, piece: str, names: set[str]
    ) -> None:
        assert await found(database, piece) == names

    @pytest.mark.parametrize(
        ("piece", "names"),
        [
            ("%", {"100% wool.txt"}),
            ("_", {"report_2026.pdf"}),
            ("t_2", {"report_2026.pdf"}),
            ("\\", {"C:\\notes\\today.md"}),
            ("\\notes\\", {"C:\\notes\\today.md"}),
            ("/", {"a/b.csv"}),
            ("/%", set()),
            ("\\%", set()),
            ("'; DROP", set()),
            ('\' "twice"; drop', {"'quoted' \"twice\"; DROP TABLE names--.txt"}),
        ],
    )
    async def test_each_character_as_itself(
        self, database: Database, piece: str, names: set[str]
    ) -> None:
        assert await found(database, piece) == names

    @pytest.mark.parametrize(
        ("piece", "names"),
        [
            ("übers", set()),
            ("Übers", {"Übersicht.txt", "ÜBERSICHT.TXT"}),
            (DECOMPOSED, {DECOMPOSED}),
            ("kelvin", set()),
            (f"{KELVIN}ELVIN", {f"{KELVIN}elvin"}),
            ("istanbul", set()),
            ("STANBUL", {f"{DOTTED_I}stanbul"}),
            ("strasse", {"STRASSE"}),
            ("👩‍🔬 LAB", {"👩‍🔬 lab.txt"}),
        ],
    )
    async def test_letters_beyond_a_to_z_as_they_are_written(
        self, database: Database, piece: str, names: set[str]
    ) -> None:
        assert await found(database, piece) == names
