"""The unix socket on which the services of this process meet; nobody else can reach it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

_MAX_PATH_BYTES = 100
"""The kernel takes 107 and a zero."""


class PrivateSocket:
    """In the data directory, or in a folder of its own where that path is too long."""

    name = "private socket"

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / "grpc.sock"
        self._own_folder: Path | None = None
        if len(bytes(path)) > _MAX_PATH_BYTES:
            self._own_folder = Path(tempfile.mkdtemp(prefix="clientsphere-"))
            path = self._own_folder / "grpc.sock"
        self.address = f"unix:{path}"

    async def start(self) -> None:
        """The server that listens makes the socket, in place of one that a kill left behind."""

    async def stop(self) -> None:
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
