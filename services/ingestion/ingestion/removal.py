"""Removes what deleted documents and broken uploads left behind."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.repeating import Repeating
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.ports import JobLedger

log = structlog.get_logger(__name__)

_SWEEP_EVERY_S = 24 * 3600.0
_SWEEP_RETRY_S = 60.0


class DocumentRemoval:
    """Runs behind a tombstone, in the order points, objects, rows: the rows know the others."""

    def __init__(self, ledger: JobLedger, objects: ObjectStore, index: PassageIndex) -> None:
        self._ledger = ledger
        self._objects = objects
        self._index = index

    async def remove(self, tenant_id: str, document_id: str) -> None:
        """Idempotent; does nothing for a document that is not tombstoned."""
        leftovers = await self._ledger.leftovers(tenant_id, document_id)
        if leftovers is None:
            return
        await self._index.remove_document(tenant_id, document_id)
        for key in leftovers.object_keys:
            await self._objects.delete(key)
        await self._ledger.purge(tenant_id, document_id)


class OrphanSweep:
    """Removes objects that a killed process stored for nobody: after the start, then once a day.

    In the background, because the stores may have millions of objects or not be there yet.
    """

    name = "orphan sweep"

    def __init__(
        self,
        ledger: JobLedger,
        objects: ObjectStore,
        min_age_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._min_age_s = min_age_s
        self._clock = clock
        self._pause_s = 0.0
        self._sweeping = Repeating(self._try_to_sweep, lambda: self._pause_s)

    async def start(self) -> None:
        self._sweeping.start()

    async def stop(self) -> None:
        await self._sweeping.stop()

    async def watch(self) -> None:
        await self._sweeping.watch()

    async def sweep(self) -> None:
        """Younger objects stay: another process may be about to make a row for them."""
        oldest_kept_s = self._clock() - self._min_age_s
        async for entry in self._objects.entries(""):
            if entry.modified_at_s < oldest_kept_s and not await self._is_needed(entry.key):
                await self._objects.delete(entry.key)
                log.info("orphan_object_removed", key=entry.key)

    async def _try_to_sweep(self) -> None:
        try:
            await self.sweep()
            self._pause_s = _SWEEP_EVERY_S
        except DependencyUnavailableError as error:
            self._pause_s = _SWEEP_RETRY_S
            log.warning("orphan_sweep_delayed", code=error.code)

    async def _is_needed(self, key: str) -> bool:
        return await self._ledger.is_referenced(key)
