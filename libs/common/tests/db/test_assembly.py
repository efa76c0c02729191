"""Tables are where the settings say, and say why they cannot be used."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from clientsphere_common.db.assembly import open_tables, service_url
from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.migrations import upgrade
from clientsphere_common.db.postgres import ServiceRoles
from clientsphere_common.db.provisioning import RolePasswords, provision
from clientsphere_common.db.session import Database
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.errors import DependencyUnavailableError, NotFoundError, ServiceError
from clientsphere_common.modules import Opened
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.ports import Secret
from tests.harness.migration_scripts import ADD_PAGES, CREATE_PAPERS, MigrationScripts
from tests.harness.modules import running
from tests.harness.postgres_server import WITH_PASSWORDS, PostgresServer


class FakePlace:
    """Where the password is kept; `failure` while it is away."""

    def __init__(self) -> None:
        self.password: str | None = None
        self.failure: ServiceError | None = None
        self.asked: list[str] = []

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        self.asked.append(name)
        if self.failure is not None:
            raise self.failure
        if self.password is None:
            raise NotFoundError("secret_not_found", "There is none.")
        return Secret(name, self.password, self.password, 0)


class Service:
    """One that has to give its password; its tables are in the database `name` of `server`."""

    def __init__(self, server: PostgresServer, name: str, scripts: MigrationScripts) -> None:
        self.server = server
        self.settings = DatabaseSettings(url=server.address(name), connections=2)
        self.scripts = scripts
        self.place = FakePlace()
        self._admin_url = server.url("postgres", name)

    def set_password(self, password: str) -> None:
        provision(self._admin_url, WITH_PASSWORDS, RolePasswords(password, "the owner's"))

    def migrate(self) -> None:
        owner = ServiceRoles(WITH_PASSWORDS).owner
        upgrade(service_url(self.settings.url, owner, "the owner's"), self.scripts.folder)

    def end_connections(self) -> None:
        with open_blocking_engine(self._admin_url).begin() as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
            connection.execute(text(query))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Opened[Database]]:
        tables = await open_tables(
            self.settings,
            WITH_PASSWORDS,
            self.scripts.folder,
            Path("/nowhere"),
            PolledSecrets(self.place, 3600),
        )
        async with running(*tables.modules):
            yield tables


@pytest.fixture
def scripts(tmp_path: Path) -> MigrationScripts:
    scripts = MigrationScripts(tmp_path / "migrations")
    scripts.write("0001", None, CREATE_PAPERS)
    return scripts


@pytest.fixture
def service(own_postgres_server: PostgresServer, scripts: MigrationScripts) -> Iterator[Service]:
    with own_postgres_server.empty_database() as name:
        service = Service(own_postgres_server, name, scripts)
        service.place.password = "first"
        service.set_password("first")
        service.migrate()
        yield service


async def use(tables: Opened[Database]) -> None:
    async with tables.use.snapshot("tnt_a") as session:
        await session.connection()


async def code_of(tables: Opened[Database]) -> str | None:
    """Of the reason for which the tables cannot be used."""
    try:
        await tables.checks[0].ask()
    except ServiceError as error:
        return error.code
    return None


class TestFiles:
    async def test_are_used_without_an_address(
        self, tmp_path: Path, scripts: MigrationScripts
    ) -> None:
        tables = await open_tables(
            DatabaseSettings(), "papers", scripts.folder, tmp_path, PolledSecrets(FakePlace(), 3600)
        )
        async with running(*tables.modules):
            assert [check.name for check in tables.checks] == ["papers tables"]
            assert await code_of(tables) is None
        assert (tmp_path / "papers.db").exists()


class TestServer:
    async def test_lets_the_service_in_as_itself(self, service: Service) -> None:
        async with service.opened() as tables, tables.use.snapshot("tnt_a") as session:
            user = await (await session.connection()).scalar(text("SELECT current_user"))
        assert user == f"clientsphere_{WITH_PASSWORDS}"
        assert service.place.asked == [f"{WITH_PASSWORDS}-database-password"]

    async def test_that_is_away_fails_no_start_and_is_found_when_it_is_back(
        self, service: Service
    ) -> None:
        async with AsyncExitStack() as opened:
            with service.server.stopped():
                tables = await opened.enter_async_context(service.opened())
                assert await code_of(tables) == "database_unavailable"
            assert await code_of(tables) is None
            await use(tables)


class TestPassword:
    async def test_that_has_changed_is_noticed_by_the_next_connection(
        self, service: Service
    ) -> None:
        async with service.opened() as tables:
            await use(tables)
            service.place.password = "second"
            service.set_password("second")
            await use(tables)
            service.end_connections()
            await use(tables)

    async def test_is_asked_for_once_while_it_is_right(self, service: Service) -> None:
        async with service.opened() as tables:
            await use(tables)
            service.place.failure = DependencyUnavailableError("vault_unavailable", "It is away.")
            service.end_connections()
            await use(tables)
        assert len(service.place.asked) == 1

    async def test_may_come_later_than_the_start(self, service: Service) -> None:
        service.place.failure = DependencyUnavailableError("vault_unavailable", "It is away.")
        async with service.opened() as tables:
            assert await code_of(tables) == "vault_unavailable"
            service.place.failure = None
            await use(tables)

    @pytest.mark.parametrize("password", [None, "guessed"])
    async def test_that_is_wrong_is_told_as_such(
        self, service: Service, password: str | None
    ) -> None:
        service.place.password = password
        async with service.opened() as tables:
            assert await code_of(tables) == "database_login_refused"
            with pytest.raises(DependencyUnavailableError) as failed:
                await use(tables)
        assert "guessed" not in str(failed.value)


class TestReadiness:
    async def test_is_there_at_the_newest_schema(self, service: Service) -> None:
        async with service.opened() as tables:
            assert [check.name for check in tables.checks] == [f"{WITH_PASSWORDS} tables"]
            assert await code_of(tables) is None

    async def test_waits_for_the_first_migration(
        self, own_postgres_server: PostgresServer, scripts: MigrationScripts
    ) -> None:
        with own_postgres_server.empty_database() as name:
            service = Service(own_postgres_server, name, scripts)
            service.place.password = "first"
            service.set_password("first")
            async with service.opened() as tables:
                assert await code_of(tables) == "database_not_migrated"
                service.migrate()
                assert await code_of(tables) is None

    async def test_waits_for_the_migration_that_the_code_needs(self, service: Service) -> None:
        service.scripts.write("0002", "0001", ADD_PAGES)
        async with service.opened() as tables:
            with pytest.raises(DependencyUnavailableError, match="run `clientsphere migrate`"):
                await tables.checks[0].ask()
            service.migrate()
            assert await code_of(tables) is None

    async def test_is_there_at_a_schema_that_newer_code_has_made(self, service: Service) -> None:
        newer = service.scripts.write("0002", "0001", ADD_PAGES)
        service.migrate()
        newer.unlink()
        async with service.opened() as tables:
            assert await code_of(tables) is None

    async def test_is_told_within_a_second_while_the_server_hangs(self, service: Service) -> None:
        async with service.opened() as tables:
            assert await code_of(tables) is None
            with service.server.paused():
                began_s = time.monotonic()
                codes = await asyncio.gather(*(code_of(tables) for _ in range(3)))
                assert set(codes) == {"database_unavailable"}
                assert time.monotonic() - began_s < 1.9
            assert await code_of(tables) is None

    async def test_stops_although_the_server_hangs(self, service: Service) -> None:
        with service.server.paused():
            async with asyncio.timeout(10), service.opened() as tables:
                assert await code_of(tables) == "database_unavailable"
        # The driver closes a connection that was given up when it is collected. Until then the
        # server waits for its password, and the removal of the database for the server.
        gc.collect()

    async def test_does_not_depend_on_free_connections(self, service: Service) -> None:
        async with (
            service.opened() as tables,
            tables.use.snapshot("tnt_a") as one,
            tables.use.snapshot("tnt_b") as two,
        ):
            await one.connection()
            await two.connection()
            assert await code_of(tables) is None

    async def test_does_not_let_the_service_change_the_revision(self, service: Service) -> None:
        async with service.opened() as tables, tables.use.snapshot("tnt_a") as session:
            asked = text("SELECT has_table_privilege('alembic_version', 'UPDATE, DELETE, INSERT')")
            assert await (await session.connection()).scalar(asked) is False


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "mysql://host/db",
            "postgresql+asyncpg://host/db",
            "postgresql://host:5432",
            "postgresql://user@host/db",
            "postgresql://host/db?user=postgres",
            "postgresql://user:s3cr3t@host/db",
            "postgresql://host/db?password=s3cr3t",
            "no address, s3cr3t",
        ],
    )
    def test_refuse_an_address_that_is_none_without_repeating_it(self, url: str) -> None:
        with pytest.raises(ValidationError) as refused:
            DatabaseSettings(url=url)
        assert "s3cr3t" not in str(refused.value)

    def test_are_the_limits_unless_they_say_otherwise(self) -> None:
        assert DatabaseSettings().limits == DatabaseLimits()
        assert DatabaseSettings(connections=3).limits == DatabaseLimits(connections=3)
