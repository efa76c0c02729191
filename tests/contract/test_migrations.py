"""The schema that a service's migrations make is the one that its tables declare."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.orm import DeclarativeBase

import audit.adapters.tables
import audit.wiring
import gateway.adapters.tables
import gateway.wiring
import ingestion.adapters.tables
import ingestion.wiring
from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.db.session import TenantScoped
from tests.harness.databases import DatabaseUnderTest

SCHEMAS = [
    pytest.param(service.wiring.MIGRATIONS, service.adapters.tables.Base, id=service.__name__)
    for service in (audit, gateway, ingestion)
]
WITHOUT_TENANT = {"tenants"}


@pytest.mark.parametrize(("folder", "base"), SCHEMAS)
class TestMigrations:
    def test_make_the_declared_tables(
        self,
        folder: Path,
        base: type[DeclarativeBase],
        database_under_test: DatabaseUnderTest,
    ) -> None:
        database_under_test.upgrade(folder)
        with open_blocking_engine(database_under_test.owner_url).connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), base.metadata)
        assert found == []

    def test_may_run_again(
        self,
        folder: Path,
        base: type[DeclarativeBase],
        database_under_test: DatabaseUnderTest,
    ) -> None:
        for _ in range(2):
            database_under_test.upgrade(folder)

    def test_may_run_twice_at_once(
        self,
        folder: Path,
        base: type[DeclarativeBase],
        database_under_test: DatabaseUnderTest,
    ) -> None:
        with ThreadPoolExecutor(2) as two:
            assert list(two.map(database_under_test.upgrade, [folder, folder])) == [None, None]

    def test_every_table_belongs_to_tenants(
        self, folder: Path, base: type[DeclarativeBase]
    ) -> None:
        for mapper in base.registry.mappers:
            is_scoped = issubclass(mapper.class_, TenantScoped)
            table = mapper.local_table
            assert is_scoped or table.description in WITHOUT_TENANT
