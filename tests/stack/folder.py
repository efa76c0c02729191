"""The folder that everything of the stack lives in, and the file that says what runs there."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Started:
    """A process, such that another one with its number is not taken for it."""

    pid: int
    created_at_s: float
    command: list[str]
    environment: dict[str, str]


class StackFolder:
    """`stack.json` holds ports, which are kept for good, and what was started last of each part.

    It is for one process at a time, whose threads may share it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = threading.Lock()

    def create(self) -> None:
        """Servers that run as another user have to get at their own folders."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711)

    def data(self, part: str) -> Path:
        return self._folder("data", 0o711) / part

    def log(self, part: str) -> Path:
        return self._folder("logs", 0o700) / f"{part}.log"

    @property
    def certificates(self) -> Path:
        return self._folder("certificates", 0o700)

    @property
    def secrets(self) -> Path:
        return self._folder("secrets", 0o700)

    def port(self, use: str) -> int:
        """A free one the first time, the same one ever after."""
        with self._lock:
            state = self._read()
            ports = state["ports"]
            if use not in ports:
                ports[use] = _free_port(set(ports.values()))
                self._write(state)
            return int(ports[use])

    def started(self, part: str) -> Started | None:
        found = self._read()["processes"].get(part)
        return Started(**found) if found else None

    def note(self, part: str, started: Started | None) -> None:
        """Remember what was started, or that nothing runs any more."""
        with self._lock:
            state = self._read()
            if started:
                state["processes"][part] = vars(started)
            else:
                state["processes"].pop(part, None)
            self._write(state)

    def note_addresses(self, addresses: dict[str, str]) -> None:
        with self._lock:
            self._write({**self._read(), "addresses": addresses})

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.path / "stack.json").read_text())
        except FileNotFoundError:
            state = {"addresses": {}, "ports": {}, "processes": {}}
        return state

    def _write(self, state: dict[str, Any]) -> None:
        """At once, and for the owner only: environments carry keys of servers."""
        aside = self.path / "stack.json.new"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(state, file, indent=2)
        aside.replace(self.path / "stack.json")

    def _folder(self, name: str, mode: int) -> Path:
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
        return folder


def _free_port(taken: set[int]) -> int:
    """Below the range from which the system gives ports to clients: nobody gets it meanwhile."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port not in taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port is free")
