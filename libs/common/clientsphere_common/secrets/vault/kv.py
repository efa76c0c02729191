"""Secrets in Vault's KV engine, version 2: one path each, whose field `value` holds the text."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hvac
from hvac.exceptions import InvalidPath

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.settings import VaultSettings
from clientsphere_common.secrets.sources import checked_name, secret_not_found
from clientsphere_common.secrets.vault.session import VaultSession


class VaultSource:
    """Reads a secret when its version has changed; needs `read` on its data and its metadata."""

    def __init__(
        self,
        session: VaultSession,
        settings: VaultSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._mount = settings.kv_mount
        self._folder = settings.kv_folder
        self._clock = clock

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        path = f"{self._folder}/{checked_name(name)}"
        if known is not None and known.version == await self._newest_version(name, path):
            return replace(known, confirmed_at_s=self._clock())
        answer = await self._ask(
            name,
            lambda vault: vault.secrets.kv.v2.read_secret_version(
                path, mount_point=self._mount, raise_on_deleted_version=True
            ),
        )
        version = answer["data"]["metadata"]
        return Secret(
            name,
            _value(name, answer["data"]["data"]),
            _version(version["version"], version["created_time"]),
            self._clock(),
        )

    async def _newest_version(self, name: str, path: str) -> str:
        answer = await self._ask(
            name,
            lambda vault: vault.secrets.kv.v2.read_secret_metadata(path, mount_point=self._mount),
        )
        newest = answer["data"]["current_version"]
        version = answer["data"]["versions"].get(str(newest))
        if version is None or version["deletion_time"] or version["destroyed"]:
            raise secret_not_found(name)
        return _version(newest, version["created_time"])

    async def _ask(self, name: str, ask: Callable[[hvac.Client], Any]) -> Any:
        try:
            return await self._session.call(f"read the secret {name!r}", ask)
        except InvalidPath as error:
            raise secret_not_found(name) from error


def _value(name: str, fields: dict[str, Any]) -> str:
    value = fields.get("value")
    if not isinstance(value, str):
        raise DependencyUnavailableError(
            "secret_unreadable", f"The secret {name!r} has no text in its field `value`."
        )
    # As in files: who writes a secret from a file ends it with a line break.
    return value.strip()


def _version(number: int, created_at: str) -> str:
    """With the time: a secret that was removed and made again begins to count anew."""
    return f"vault:{number}:{created_at}"
