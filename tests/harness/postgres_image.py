"""PostgreSQL in a container, where none is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from clientsphere_common.db.postgres import ServiceRoles
from tests.harness.containers import image_of
from tests.harness.ports import free_port
from tests.harness.postgres_server import (
    ADMINISTRATOR,
    FAST_SETTINGS,
    WITH_PASSWORDS,
    PostgresServer,
)

_START_TIMEOUT_S = 60.0
_INITDB_OPTIONS = "--encoding=UTF8 --locale=C --no-sync"
_RULES_SCRIPT = "/docker-entrypoint-initdb.d/ask-for-passwords.sh"


class PostgresContainer:
    def __init__(self) -> None:
        # Not at the top: importing it looks for Docker.
        from testcontainers.core.container import DockerContainer

        port = free_port()
        container = DockerContainer(image_of("postgres"))
        container.with_envs(POSTGRES_HOST_AUTH_METHOD="trust", POSTGRES_INITDB_ARGS=_INITDB_OPTIONS)
        container.with_command([part for one in FAST_SETTINGS for part in ("-c", one)])
        container.with_copy_into_container(_asking_for_passwords(), _RULES_SCRIPT)
        # A port that stays the same when it starts again.
        self._container: Any = container.with_bind_ports(5432, port)
        self._is_made = False
        self.location = f"host={container.get_docker_client().host()}&port={port}"

    def start(self) -> None:
        if self._is_made:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_made = True
        self._wait_until_it_answers()

    def stop(self) -> None:
        # By the signal that the image names, which is that of a fast shutdown.
        self._container.get_wrapped_container().stop()

    def pause(self) -> None:
        self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        self._container.get_wrapped_container().unpause()

    def remove(self) -> None:
        self._container.stop()

    def _wait_until_it_answers(self) -> None:
        """While it makes its cluster it listens on no port."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        url = f"postgresql://{ADMINISTRATOR}@/postgres?{self.location}&connect_timeout=2"
        while True:
            try:
                psycopg.connect(url).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


@contextmanager
def postgres_in_container() -> Iterator[PostgresServer]:
    container = PostgresContainer()
    try:
        container.start()
        yield PostgresServer(container)
    finally:
        container.remove()


def _asking_for_passwords() -> bytes:
    """The first rule that fits decides; all others are trusted."""
    roles = ServiceRoles(WITH_PASSWORDS)
    rule = f"host all {roles.login},{roles.owner} all scram-sha-256"
    return f'sed -i "1i {rule}" "$PGDATA/pg_hba.conf"\n'.encode()
