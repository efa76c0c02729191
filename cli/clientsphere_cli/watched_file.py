"""A file that tells how far it has been read: what an upload's progress bar shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path


class WatchedFile(io.FileIO):
    """Calls `on_read` with the position after each read. Starts over when sent a second time."""

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._on_read(self.tell())
        return piece
