"""The unix socket on which the services of this process meet; nobody else can reach it."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

_MAX_PATH_BYTES = 100
"""The kernel takes 107 and a zero."""


class PrivateSocket:
    """In the data directory, or in a folder of its own where that path is too long.

    That folder's name follows from the data directory: a killed process leaves none behind that
    the next one would not use again.
    """

    name = "private socket"

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / "grpc.sock"
        self._own_folder: Path | None = None
        if len(bytes(path)) > _MAX_PATH_BYTES:
            digest = hashlib.sha256(bytes(data_dir)).hexdigest()[:16]
            self._own_folder = Path(tempfile.gettempdir()) / f"clientsphere-{digest}"
            path = self._own_folder / "grpc.sock"
        self.address = f"unix:{path}"

    async def start(self) -> None:
        """Raises PermissionError when somebody else made the folder, or can look into it."""
        if self._own_folder is None:
            return
        self._own_folder.mkdir(mode=0o700, exist_ok=True)
        found = self._own_folder.lstat()
        is_private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and stat.S_ISDIR(found.st_mode)
        if found.st_uid != os.getuid() or not is_private:
            raise PermissionError(0, "not a private folder", str(self._own_folder))

    async def stop(self) -> None:
        if self._own_folder is not None:
            (self._own_folder / "grpc.sock").unlink(missing_ok=True)
            self._own_folder.rmdir()
