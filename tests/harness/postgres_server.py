"""A PostgreSQL server of its own for the tests: a fresh cluster in a folder, on a unix socket."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from clientsphere_common.db.postgres import ServiceRoles
from clientsphere_common.db.provisioning import RolePasswords, provision
from tests.harness.databases import DatabaseUnderTest

WITH_PASSWORDS = "guarded"
"""The service whose roles have to give a password."""
_START_S = "30"
ADMINISTRATOR = "postgres"
_UNPRIVILEGED = "postgres"
_INITDB_OPTIONS = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
# The tests kill processes, not machines: nothing has to reach the disk.
FAST_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresMissingError(Exception):
    """The server's programs are not installed, or nobody may run them."""


class PostgresControl(Protocol):
    """One server, at one place for all its lives; it trusts everybody but WITH_PASSWORDS."""

    @property
    def location(self) -> str:
        """As the query of an address says it."""

    def start(self) -> None:
        """Return when it answers, with all that was committed."""

    def stop(self) -> None: ...

    def pause(self) -> None:
        """It keeps its connections, takes new ones, and answers nothing."""

    def resume(self) -> None: ...


class PostgresServer:
    def __init__(self, control: PostgresControl) -> None:
        self._control = control

    def url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?{self._control.location}"

    def address(self, database: str) -> str:
        """As the settings of a process name it."""
        return f"postgresql:///{database}?{self._control.location}"

    def start(self) -> None:
        self._control.start()

    def stop(self) -> None:
        self._control.stop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It keeps its connections, takes new ones, and answers nothing."""
        try:
            self._control.pause()
            yield
        finally:
            self._control.resume()

    @contextmanager
    def database(self, schema: str) -> Iterator[DatabaseUnderTest]:
        """An empty schema of a service, alone in its database, made as in production."""
        with self.empty_database() as name:
            yield self._provisioned(name, schema)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Its name."""
        name = f"test_{secrets.token_hex(8)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _provisioned(self, name: str, schema: str) -> DatabaseUnderTest:
        roles, admin_url = ServiceRoles(schema), self.url(ADMINISTRATOR, name)
        provision(admin_url, schema, RolePasswords())
        return DatabaseUnderTest(
            url=self.url(roles.login, name),
            owner_url=self.url(roles.owner, name),
            admin_url=admin_url,
            schema=schema,
        )

    def _execute(self, statement: str) -> None:
        url = f"postgresql://{ADMINISTRATOR}@/postgres?{self._control.location}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Raises PostgresMissingError with the reason when there can be no server."""
    programs, user = postgres_programs(), postgres_user()
    # Not in pytest's own folder: it is private, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="clientsphere-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    process = PostgresProcess(programs, folder, user)
    try:
        process.make()
        process.start()
        try:
            yield PostgresServer(process)
        finally:
            # At once: nobody needs what is in there.
            process.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgresProcess:
    """The system's PostgreSQL, by its own programs."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user
        self._paused: list[psutil.Process] = []

    @property
    def location(self) -> str:
        return f"host={self._folder}"

    def make(self) -> None:
        self._run("initdb", "-U", ADMINISTRATOR, *_INITDB_OPTIONS)
        _ask_for_passwords(self._folder / "cluster" / "pg_hba.conf")

    def start(self) -> None:
        settings = " ".join(f"-c {setting}" for setting in ("listen_addresses=", *FAST_SETTINGS))
        # By pg_ctl the server is nobody's child: there are tests that count those of their process.
        log, options = f"{self._folder}/log", f"-k {self._folder} {settings}"
        self._run("pg_ctl", "start", "-w", "-t", _START_S, "-l", log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def pause(self) -> None:
        pid = int((self._folder / "cluster" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        # First, so that it starts no others meanwhile.
        postmaster.suspend()
        self._paused = [postmaster, *postmaster.children(recursive=True)]
        for process in self._paused:
            # The last one of a connection that has just been closed ends by itself.
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self) -> None:
        for process in self._paused:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments, "-D", self._folder / "cluster"],
            check=True,
            user=self._user,
            group=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )


def _ask_for_passwords(rules: Path) -> None:
    """The first rule that fits decides; all others are trusted."""
    roles = ServiceRoles(WITH_PASSWORDS)
    rule = f"local all {roles.login},{roles.owner} scram-sha-256\n"
    rules.write_text(rule + rules.read_text())


def postgres_programs() -> Path:
    """The newest installed version's, which Debian does not put on the path."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3])
    )
    found = shutil.which("initdb") or (installed and installed[-1])
    if not found:
        raise PostgresMissingError("initdb was not found: apt-get install postgresql")
    return Path(found).resolve().parent


def postgres_user() -> str | None:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_UNPRIVILEGED)
    except KeyError as error:
        reason = f"there is no user {_UNPRIVILEGED!r} to run the server as"
        raise PostgresMissingError(reason) from error
    return _UNPRIVILEGED
