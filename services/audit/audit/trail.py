"""The audit trail of a tenant: appended to by events, read by auditors."""

from __future__ import annotations

from audit.model import AuditEvent, Head, Link
from audit.ports import TrailStore
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.request import Caller

_DEFAULT_PAGE_SIZE = 100
_MAX_PAGE_SIZE = 1000


class AuditTrail:
    def __init__(self, store: TrailStore) -> None:
        self._store = store

    async def record(self, tenant_id: str, event: AuditEvent) -> None:
        """Idempotent: an event is recorded once, however often it is delivered."""
        await self._store.append(tenant_id, event)

    async def links(
        self, caller: Caller, after_sequence: int, page_size: int, action: str
    ) -> list[Link]:
        """Links after `after_sequence`; a page size of 0 means 100.

        Raises InvalidInputError for a sequence or a page size out of range.
        """
        if after_sequence < 0:
            raise InvalidInputError("invalid_sequence", "A sequence number is not negative.")
        if not 0 <= page_size <= _MAX_PAGE_SIZE:
            raise InvalidInputError(
                "invalid_page_size", f"A page has 1 to {_MAX_PAGE_SIZE} events."
            )
        limit = page_size or _DEFAULT_PAGE_SIZE
        return await self._store.links(caller.tenant_id, after_sequence, limit, action)

    async def head(self, caller: Caller) -> Head:
        return await self._store.head(caller.tenant_id)
