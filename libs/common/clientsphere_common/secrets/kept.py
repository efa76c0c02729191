"""Secrets that nobody gave: made at first use, kept in files that only their owner can read."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from clientsphere_common.keys import create_private_file
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.sources import checked_name, secret_not_found

Makers = Mapping[str, Callable[[], str]]
"""By the name of a secret, what makes one."""

_RANDOM_BYTES = 32


class KeptSource:
    """Knows the secrets that `makers` can make, and makes each once for all who use `folder`."""

    def __init__(self, folder: Path, makers: Makers) -> None:
        self._folder = folder
        self._makers = makers
        self._files = FolderSource(folder)

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        make = self._makers.get(checked_name(name))
        if make is None:
            raise secret_not_found(name)
        await asyncio.to_thread(self._keep, name, make)
        return await self._files.fetch(name, known)

    def _keep(self, name: str, make: Callable[[], str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_private_file(self._folder / name, f"{make().strip()}\n".encode())


def random_text() -> str:
    """256 random bits as lower-case letters and digits, which survive every way of copying."""
    return secrets.token_hex(_RANDOM_BYTES)
