"""Secrets in files of one folder: written by a person, by Kubernetes or by a Vault Agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.sources import checked_name, secret_not_found


class FolderSource:
    """The file `gateway-operator-key` holds the secret of that name; spaces around it are no part.

    An empty file counts as missing: it is about to be written.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        path = self._folder / checked_name(name)
        try:
            written_at_ns = (await asyncio.to_thread(path.stat)).st_mtime_ns
            value = (await asyncio.to_thread(path.read_text, "utf-8")).strip()
        except FileNotFoundError as error:
            raise secret_not_found(name) from error
        except (OSError, UnicodeDecodeError) as error:
            raise DependencyUnavailableError(
                "secret_unreadable", f"The file of the secret {name!r} cannot be read as text."
            ) from error
        if not value:
            raise secret_not_found(name)
        return Secret(name, value, f"file:{written_at_ns}", self._clock())
