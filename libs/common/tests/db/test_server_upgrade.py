"""A PostgreSQL server is made ready for services: by one, by two at once, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from clientsphere_common.db.migrations import Upgrade
from clientsphere_common.db.postgres import connection_info
from clientsphere_common.db.provisioning import RolePasswords
from clientsphere_common.db.server_upgrade import (
    ServerAccess,
    ServerUpgradeError,
    read_access,
    upgrade_on_server,
    wait_for_server,
)
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.polled import PolledSecrets
from tests.harness.migration_scripts import ADD_PAGES, CREATE_PAPERS, MigrationScripts
from tests.harness.postgres_server import WITH_PASSWORDS, PostgresServer

SERVICE = WITH_PASSWORDS
PASSWORDS = RolePasswords("the service's", "the owner's")


@dataclass(frozen=True)
class Place:
    access: ServerAccess
    scripts: MigrationScripts

    def upgrade(self, **changes: object) -> Upgrade:
        access = replace(self.access, **changes)  # type: ignore[arg-type]  # checked by replace
        return upgrade_on_server(access, SERVICE, self.scripts.folder)

    def refusal(self, **changes: object) -> str:
        with pytest.raises(ServerUpgradeError) as refused:
            self.upgrade(**changes)
        return str(refused.value)

    def log_in(self, role: str, password: str) -> None:
        with psycopg.connect(connection_info(self.access.url, user=role, password=password)):
            """It is closed at once."""


@pytest.fixture
def place(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Place]:
    scripts = MigrationScripts(tmp_path / "migrations")
    scripts.write("0001", None, CREATE_PAPERS)
    with postgres_server.empty_database() as name:
        admin_url = postgres_server.url("postgres", name)
        access = ServerAccess(postgres_server.address(name), admin_url, {SERVICE: PASSWORDS})
        yield Place(access, scripts)


class TestUpgradeOnServer:
    def test_makes_all_that_the_service_needs(self, place: Place) -> None:
        assert place.upgrade() == Upgrade(None, "0001")
        place.log_in(f"clientsphere_{SERVICE}", PASSWORDS.login)
        place.log_in(f"clientsphere_{SERVICE}_owner", PASSWORDS.owner)

    def test_does_nothing_the_second_time(self, place: Place) -> None:
        place.upgrade()
        assert place.upgrade() == Upgrade("0001", "0001")

    def test_needs_no_administrator_once_that_is_done(self, place: Place) -> None:
        place.upgrade()
        place.scripts.write("0002", "0001", ADD_PAGES)
        assert place.upgrade(admin_url=None) == Upgrade("0001", "0002")

    def test_may_be_done_twice_at_once(self, place: Place) -> None:
        with ThreadPoolExecutor(4) as several:
            found = list(several.map(lambda _: place.upgrade(), range(4)))
        assert sorted(one.before or "" for one in found) == ["", "0001", "0001", "0001"]
        assert {one.after for one in found} == {"0001"}

    def test_replaces_passwords(self, place: Place) -> None:
        place.upgrade()
        place.upgrade(passwords={SERVICE: RolePasswords("a newer", "the owner's newer")})
        place.log_in(f"clientsphere_{SERVICE}", "a newer")
        with pytest.raises(psycopg.OperationalError):
            place.log_in(f"clientsphere_{SERVICE}", PASSWORDS.login)

    def test_says_which_password_is_wrong(self, place: Place) -> None:
        place.upgrade()
        wrong = {SERVICE: RolePasswords("the service's", "guessed")}
        assert place.refusal(admin_url=None, passwords=wrong) == (
            f"{SERVICE}: the server refuses the password of clientsphere_{SERVICE}_owner."
        )

    def test_says_what_the_server_refused_and_leaves_all_as_it_was(self, place: Place) -> None:
        place.upgrade()
        place.scripts.write("0002", "0001", ADD_PAGES, ADD_PAGES)
        assert "already exists" in place.refusal()
        assert place.refusal().count("\n") == 0
        place.scripts.write("0002", "0001", ADD_PAGES)
        assert place.upgrade() == Upgrade("0001", "0002")


class TestWaitForServer:
    def test_returns_when_it_answers(self, place: Place) -> None:
        told = list[str]()
        wait_for_server(place.access, 0, lambda: told.append("waits"))
        assert told == []

    def test_gives_up_in_the_end(self, postgres_server: PostgresServer) -> None:
        told = list[str]()
        access = ServerAccess("postgresql:///db?host=/nowhere", "postgresql:///a?host=/nowhere", {})
        with pytest.raises(ServerUpgradeError, match=r"/nowhere:5432 did not answer within 0\.6 s"):
            wait_for_server(access, 0.6, lambda: told.append("waits"))
        assert told == ["waits"]

    def test_waits_for_a_server_that_is_started_meanwhile(
        self, own_postgres_server: PostgresServer
    ) -> None:
        access = ServerAccess(own_postgres_server.address("postgres"), None, {})
        own_postgres_server.stop()
        wait_for_server(access, 30, own_postgres_server.start)


class TestReadAccess:
    async def test_takes_what_is_there(self) -> None:
        given = {
            "CLIENTSPHERE_AUDIT_DATABASE_PASSWORD": "one",
            "CLIENTSPHERE_AUDIT_DATABASE_OWNER_PASSWORD": "two",
            "CLIENTSPHERE_DATABASE_ADMIN_URL": "postgresql://admin:three@host/db",
        }
        secrets = PolledSecrets(EnvironmentSource(given), 3600)
        access = await read_access("postgresql://host/db", ["audit", "gateway"], secrets)
        assert access.passwords == {
            "audit": RolePasswords("one", "two"),
            "gateway": RolePasswords(),
        }
        assert access.admin_url == "postgresql://admin:three@host/db"
        assert not any(secret in repr(access) for secret in ("one", "two", "three"))

    @pytest.mark.parametrize("url", ["s3cr3t", "mysql://admin:s3cr3t@host/db"])
    async def test_refuses_an_administrator_without_repeating_it(self, url: str) -> None:
        given = {"CLIENTSPHERE_DATABASE_ADMIN_URL": url}
        secrets = PolledSecrets(EnvironmentSource(given), 3600)
        with pytest.raises(ServerUpgradeError, match="database-admin-url") as refused:
            await read_access("postgresql://host/db", [], secrets)
        assert "s3cr3t" not in str(refused.value)
