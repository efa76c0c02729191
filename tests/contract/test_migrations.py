"""The schema that a service's migrations make is the one that its tables declare."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

import audit.adapters.tables
import audit.wiring
import gateway.adapters.tables
import gateway.wiring
import ingestion.adapters.tables
import ingestion.wiring
from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import upgrade
from clientsphere_common.db.session import TenantScoped

SCHEMAS = [
    pytest.param(service.wiring.MIGRATIONS, service.adapters.tables.Base, id=service.__name__)
    for service in (audit, gateway, ingestion)
]
WITHOUT_TENANT = {"tenants"}


@pytest.mark.parametrize(("folder", "base"), SCHEMAS)
class TestMigrations:
    def test_make_the_declared_tables(
        self, folder: Path, base: type[DeclarativeBase], tmp_path: Path
    ) -> None:
        path = tmp_path / "service.db"
        upgrade(sqlite_url(path), folder)
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), base.metadata)
        assert found == []

    def test_may_run_again(self, folder: Path, base: type[DeclarativeBase], tmp_path: Path) -> None:
        for _ in range(2):
            upgrade(sqlite_url(tmp_path / "service.db"), folder)

    def test_every_table_belongs_to_tenants(
        self, folder: Path, base: type[DeclarativeBase], tmp_path: Path
    ) -> None:
        for mapper in base.registry.mappers:
            is_scoped = issubclass(mapper.class_, TenantScoped)
            table = mapper.local_table
            assert is_scoped or table.description in WITHOUT_TENANT
