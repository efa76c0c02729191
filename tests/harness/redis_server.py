"""A real Redis server for tests, which they may stop, start again and freeze."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import redis

from tests.harness.containers import image_of, why_no_docker
from tests.harness.ports import free_port

_START_TIMEOUT_S = 20.0
_PROGRAM = "redis-server"
_MISSING = "redis-server was not found (apt-get install redis-server)"
_PASSWORD_OPTION = "--requirepass"


class RedisMissingError(Exception):
    """Neither the program nor Docker is there to run it."""


class RedisUnderTest(Protocol):
    @property
    def url(self) -> str: ...

    def start(self) -> None:
        """Return when it answers, with all that it had written."""

    def kill(self) -> None: ...

    def freeze(self) -> None:
        """Connections stay and are still accepted, but nothing is answered."""

    def thaw(self) -> None: ...


class RedisProcess:
    """The system's redis-server, on one port and one append-only file for all its lives."""

    def __init__(self, folder: Path, password: str = "", more_options: Sequence[str] = ()) -> None:
        self._port = free_port()
        self._password = password
        self._options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._options += ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
        self._options += [_PASSWORD_OPTION, password] if password else []
        self._options += more_options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._process = subprocess.Popen([_PROGRAM, *self._options], stdout=subprocess.DEVNULL)
        _wait_until_it_answers(self._port, self._password)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


class RedisContainer:
    """The same by Docker."""

    def __init__(self, password: str = "") -> None:
        # Not at the top: importing it looks for Docker.
        from testcontainers.core.container import DockerContainer

        self._port = free_port()
        self._password = password
        login = f" {_PASSWORD_OPTION} {password}" if password else ""
        command = f"{_PROGRAM} --appendonly yes{login}"
        container = DockerContainer(image_of("redis")).with_command(command)
        # A port that stays the same when it starts again.
        self._container: Any = container.with_bind_ports(6379, self._port)
        self._is_made = False

    @property
    def url(self) -> str:
        return f"redis://{self._container.get_container_host_ip()}:{self._port}"

    def start(self) -> None:
        if self._is_made:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_made = True
        _wait_until_it_answers(self._port, self._password)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def freeze(self) -> None:
        self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        self._container.get_wrapped_container().unpause()

    def remove(self) -> None:
        self._container.stop()


@contextmanager
def redis_server(password: str = "") -> Iterator[RedisUnderTest]:
    """Raises RedisMissingError with the reason when there can be no server."""
    if shutil.which(_PROGRAM):
        with _running_process(password) as process:
            yield process
    else:
        if reason := why_no_docker():
            raise RedisMissingError(f"{_MISSING}, and {reason}")
        container = RedisContainer(password)
        container.start()
        try:
            yield container
        finally:
            container.remove()


@contextmanager
def tls_redis_server(certificate: Path, key: Path) -> Iterator[str]:
    """Yields the address with TLS; raises RedisMissingError where the program is missing."""
    if not shutil.which(_PROGRAM):
        raise RedisMissingError(_MISSING)
    port = free_port()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    options += ["--tls-ca-cert-file", str(certificate)]
    with _running_process("", options):
        yield f"rediss://127.0.0.1:{port}"


@contextmanager
def _running_process(password: str, more_options: Sequence[str] = ()) -> Iterator[RedisProcess]:
    with tempfile.TemporaryDirectory(prefix="clientsphere-redis-") as folder:
        process = RedisProcess(Path(folder), password, more_options)
        process.start()
        try:
            yield process
        finally:
            process.kill()


def _wait_until_it_answers(port: int, password: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    with redis.Redis(port=port, password=password or None, protocol=2) as client:
        while time.monotonic() < deadline:
            with suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.02)
    raise TimeoutError(f"no Redis on port {port} after {_START_TIMEOUT_S} s")
