"""Which issuers are registered for which tenants, as it is or was a moment ago."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence

from clientsphere_common.errors import DependencyUnavailableError
from gateway.ports import TokenIssuerStore
from gateway.token_issuers.model import TokenIssuer
from gateway.token_rules import Claims

KNOWN_S = 4.0
"""A second less than the five in which a change must have reached every process."""


class IssuerRegistry:
    """Knows all entries for four seconds from when it asked for them.

    All at once: a token that names an issuer which nobody registered must not cost a query.
    """

    def __init__(
        self, store: TokenIssuerStore, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._entries: Sequence[TokenIssuer] = ()
        self._asked_at = -math.inf
        self._changes = 0
        self._asking = asyncio.Lock()

    async def entries(self) -> Sequence[TokenIssuer]:
        """Of all tenants. Raises DependencyUnavailableError."""
        async with self._asking:
            if not self._is_known():
                await self._read()
        return self._entries

    async def meant_by(self, claims: Claims) -> TokenIssuer | None:
        """The one entry that a token with these claims is for. Two are as good as none."""
        meant = [entry for entry in await self.entries() if entry.is_meant_by(claims)]
        return meant[0] if len(meant) == 1 else None

    async def find(self, issuer_id: str) -> TokenIssuer | None:
        return next((entry for entry in await self.entries() if entry.id == issuer_id), None)

    def forget(self) -> None:
        """Look again: this process has changed them."""
        self._asked_at = -math.inf
        self._changes += 1

    async def _read(self) -> None:
        asked_at, changes = self._monotonic(), self._changes
        entries = await self._store.list_all()
        if self._monotonic() >= asked_at + KNOWN_S:
            raise DependencyUnavailableError(
                "database_unavailable", "The database is not answering.", retry_after_s=1
            )
        self._entries = entries
        if changes == self._changes:
            self._asked_at = asked_at

    def _is_known(self) -> bool:
        return self._monotonic() < self._asked_at + KNOWN_S
