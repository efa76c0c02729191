"""The folder of the embedded stores: one process at a time owns it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO


class DataDirInUseError(RuntimeError):
    """Another process works in the folder."""


class DataDir:
    """Makes the folder and holds its lock; a killed process loses the lock by itself."""

    name = "data directory"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock: BinaryIO | None = None

    async def start(self) -> None:
        """Raises DataDirInUseError when another process holds the folder."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self._root / "lock").open("a+b")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().decode(errors="replace").strip() or "unknown"
            lock.close()
            raise DataDirInUseError(
                f"{self._root} is in use by process {owner}. Stop it, or choose another folder"
                " with CLIENTSPHERE_DATA_DIR."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        self._lock = lock

    async def stop(self) -> None:
        if self._lock is not None:
            self._lock.close()
