"""Forgets idempotency keys whose time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from clientsphere_common.errors import ServiceError
from clientsphere_common.repeating import Repeating
from gateway.ports import ClaimStore

log = structlog.get_logger(__name__)

_PRUNE_EVERY_S = 600.0
_BATCH = 500


class KeyPruning:
    """A module. Several gateways may be at it at once."""

    name = "idempotency keys"

    def __init__(self, store: ClaimStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._repeating = Repeating(self.try_to_prune, lambda: _PRUNE_EVERY_S)

    async def start(self) -> None:
        self._repeating.start()

    async def stop(self) -> None:
        await self._repeating.stop()

    async def watch(self) -> None:
        await self._repeating.watch()

    async def prune(self) -> int:
        """How many there were. A few at a time: other writers wait meanwhile."""
        removed = batch = await self._remove()
        while batch == _BATCH:
            batch = await self._remove()
            removed += batch
        return removed

    async def try_to_prune(self) -> None:
        """As `prune`; what cannot be removed now is removed the next time."""
        try:
            removed = await self.prune()
        except ServiceError as error:
            log.warning("idempotency_keys_not_pruned", code=error.code)
        else:
            log.debug("idempotency_keys_pruned", keys=removed)

    async def _remove(self) -> int:
        return await self._store.remove_expired(int(self._clock() * 1000), _BATCH)
