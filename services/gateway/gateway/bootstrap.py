"""The first tenant of a fresh installation, and the file that lets its owner's tools in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from clientsphere_common.keys import write_private_file
from gateway.tenants import Tenants

_TENANT_NAME = "default"


class Bootstrap:
    """A module that starts after the server: creates the tenant once, keeps the file's URL true.

    The file is what says that it was done. A process that is killed between the two leaves a
    tenant behind whose key nobody has; the next start makes another one.
    """

    name = "bootstrap"

    def __init__(self, tenants: Tenants, file: Path, url: Callable[[], str]) -> None:
        self._tenants = tenants
        self._file = file
        self._url = url

    async def start(self) -> None:
        credentials = await asyncio.to_thread(self._read) or await self._create()
        if credentials.get("url") != self._url():
            credentials["url"] = self._url()
            content = json.dumps(credentials, indent=2) + "\n"
            await asyncio.to_thread(write_private_file, self._file, content.encode())

    async def stop(self) -> None:
        """Nothing stays open."""

    def _read(self) -> dict[str, str]:
        if not self._file.exists():
            return {}
        credentials: dict[str, str] = json.loads(self._file.read_text())
        return credentials

    async def _create(self) -> dict[str, str]:
        new = await self._tenants.create(_TENANT_NAME)
        return {"tenant_id": new.tenant.id, "api_key": new.owner_key.key}
