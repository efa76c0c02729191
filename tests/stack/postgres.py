"""PostgreSQL for the stack: a cluster of its own, with passwords, and an administrator."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from tests.harness.postgres_server import (
    PostgresMissingError,
    postgres_programs,
    postgres_user,
)
from tests.stack.folder import StackFolder
from tests.stack.part import Part, Program
from tests.stack.secrets import GeneratedSecrets

DATABASE = "clientsphere"
ADMINISTRATOR = "clientsphere_admin"
_SUPERUSER = "postgres"


def postgres(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    port, user, programs = folder.port("postgres"), postgres_user(), postgres_programs()
    home = folder.data("postgres")
    cluster = home / "cluster"

    def prepare() -> None:
        if user is not None:
            _require_way_in(home.parent, user)
        if not (cluster / "PG_VERSION").exists():
            _make_cluster(programs, cluster, user, generated.value("postgres-superuser-password"))
        # Nothing runs there: a server that was killed may still be listed, and hold up the next.
        (cluster / "postmaster.pid").unlink(missing_ok=True)

    def connect(database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=port,
            user=_SUPERUSER,
            password=generated.value("postgres-superuser-password"),
            dbname=database,
            autocommit=True,
            connect_timeout=2,
        )

    def answers() -> bool:
        try:
            connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def complete() -> None:
        with connect() as connection:
            _make_administrator(connection, generated.value("database-admin-password"))

    options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories="]
    program = Program(
        command=[str(programs / "postgres"), "-D", str(cluster), *options],
        environment={"PATH": os.defpath, "LC_ALL": "C"},
        user=user,
        prepare=prepare,
        answers=answers,
        complete=complete,
        # Which ends connections too; SIGTERM waits for them.
        stop_signal=signal.SIGINT,
    )
    address = f"postgresql://127.0.0.1:{port}/{DATABASE}"
    version = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    return Part(folder, "postgres", f"PostgreSQL {version}: real", address, program)


def admin_url(address: str, generated: GeneratedSecrets) -> str:
    """As whoever migrates logs in."""
    password = generated.value("database-admin-password")
    return address.replace("://", f"://{ADMINISTRATOR}:{password}@")


def _require_way_in(folder: Path, user: str) -> None:
    for closed in (one for one in (folder, *folder.parents) if not one.stat().st_mode & 0o001):
        reason = f"PostgreSQL does not run as root, and {user!r} cannot enter {closed}"
        raise PostgresMissingError(f"{reason}: choose another folder for the stack")


def _make_cluster(programs: Path, cluster: Path, user: str | None, password: str) -> None:
    home = cluster.parent
    # What an interrupted attempt has left.
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    password_file = home / "password"
    password_file.write_text(password)
    if user is not None:
        shutil.chown(home, user)
        shutil.chown(password_file, user)
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
    try:
        subprocess.run(
            [
                *(programs / "initdb", "-D", cluster, "-U", _SUPERUSER),
                *(f"--pwfile={password_file}", *options),
            ],
            check=True,
            user=user,
            group=user,
            cwd="/",
            capture_output=True,
        )
    finally:
        password_file.unlink()


def _make_administrator(connection: psycopg.Connection, password: str) -> None:
    """May make roles and schemas, and is no superuser: what a managed database gives."""
    name = sql.Identifier(ADMINISTRATOR)
    if not _has(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ADMINISTRATOR):
        made = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}")
        connection.execute(made.format(name, sql.Literal(password)))
    if not _has(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
        made = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(made.format(sql.Identifier(DATABASE), name))


def _has(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
