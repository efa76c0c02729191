"""Everything that this process and its children write: both streams, and all loggers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from tests.harness.logs import logging_to


class Output:
    """A file that grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_bytes = 0

    def new(self) -> bytes:
        """What was written since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            written = file.read()
        self._read_bytes += len(written)
        return written


@contextmanager
def captured_output(path: Path) -> Iterator[Output]:
    """Python's streams, and the descriptors beneath, which other languages and children use."""
    with path.open("w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        saved = [os.dup(descriptor) for descriptor in (1, 2)]
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
        try:
            with logging_to(sys.stderr):
                yield Output(path)
        finally:
            for descriptor, kept in enumerate(saved, start=1):
                os.dup2(kept, descriptor)
                os.close(kept)
