"""The folder of the embedded index: its lock, and which copy of the shard counts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from pathlib import Path

_SHARD = "shard-"
_LOCK_RETRY_S = 0.02


class IndexFolderError(Exception):
    """The folder cannot be used as it is; the message says why."""


class IndexFolder:
    """Holds `index.json`, which names the shard that counts, and that shard beside it.

    A shard that is not named is the remainder of a crash, and is deleted at the next opening: so
    neither a half-made shard nor a half-optimised copy is ever read.
    """

    def __init__(self, root: Path, lock_wait_s: float) -> None:
        self._root = root
        self._lock_wait_s = lock_wait_s
        self._manifest = root / "index.json"
        self.lock = -1
        """The file descriptor that holds the lock. A child that inherits it holds the lock too."""

    def open(self, dimension: int) -> Path:
        """Lock the folder; return the shard that counts, or where to make one if there is none.

        Raises IndexFolderError when another process has the folder, or when its vectors have
        another dimension.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        self.lock = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait_for_lock()
            current = self._named_shard(dimension)
        except BaseException:
            self.close()
            raise
        self.sweep(current)
        return current

    def close(self) -> None:
        os.close(self.lock)

    def name_current(self, shard: Path, dimension: int) -> None:
        """From now on `shard`, which must be on disk, counts; so it does after a power cut."""
        aside = self._manifest.with_suffix(".new")
        with aside.open("w") as file:
            json.dump({"shard": shard.name, "dimension": dimension}, file)
        _sync(aside)
        aside.rename(self._manifest)
        _sync(self._root)

    def copy(self, shard: Path) -> Path:
        """A copy that does not count yet. Nobody may write to `shard` meanwhile."""
        place = self._new_place()
        shutil.copytree(shard, place)
        return place

    def sync(self, shard: Path) -> None:
        """Bring all of `shard` to the disk. Nobody may write to it meanwhile."""
        try:
            for path in (*shard.rglob("*"), shard):
                _sync(path)
        except FileNotFoundError:
            # The engine makes the next file of its log in the background, and then renames it.
            self.sync(shard)

    def sweep(self, current: Path) -> None:
        """Delete every shard but `current`, as far as that works: the next opening goes on."""
        for shard in self._root.glob(f"{_SHARD}*"):
            if shard != current:
                shutil.rmtree(shard, ignore_errors=True)

    def _wait_for_lock(self) -> None:
        """A process that was killed a moment ago may still be letting go."""
        give_up_at = time.monotonic() + self._lock_wait_s
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > give_up_at:
                    problem = f"the passage index in {self._root} is in use by another process"
                    raise IndexFolderError(problem) from error
                time.sleep(_LOCK_RETRY_S)
            else:
                return

    def _named_shard(self, dimension: int) -> Path:
        if not self._manifest.exists():
            return self._new_place()
        manifest = json.loads(self._manifest.read_text())
        if manifest["dimension"] != dimension:
            raise IndexFolderError(
                f"the passage index in {self._root} holds vectors of {manifest['dimension']}"
                f" numbers, but the embedding model gives {dimension}: choose the model it was"
                " made with, or another folder"
            )
        return self._root / str(manifest["shard"])

    def _new_place(self) -> Path:
        return self._root / f"{_SHARD}{secrets.token_hex(8)}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
