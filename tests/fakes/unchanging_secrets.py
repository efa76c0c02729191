"""Secrets that never change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.sources import secret_not_found


class FakeSecrets:
    def __init__(self, **values: str) -> None:
        """Names with underscores for hyphens."""
        self._values = {name.replace("_", "-"): value for name, value in values.items()}

    async def read(self, name: str) -> Secret:
        if name not in self._values:
            raise secret_not_found(name)
        return Secret(name, self._values[name], "1", 0.0)

    async def changes(self, since: Secret) -> AsyncIterator[Secret]:
        await asyncio.Event().wait()
        yield since
