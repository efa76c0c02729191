"""The audit trail of a tenant: appended to by events, read by auditors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from audit.model import AuditEvent, Head, Link, TrailChoice
from audit.ports import TrailStore
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.hash_chain import GENESIS_HASH, link_hash
from clientsphere_common.paging import Page, page_token, position_of
from clientsphere_common.request import Caller

_DEFAULT_PAGE_SIZE = 100
_MAX_PAGE_SIZE = 1000
_OUTCOMES = ("succeeded", "denied", "failed")


class AuditTrail:
    def __init__(self, store: TrailStore) -> None:
        self._store = store

    async def record(self, tenant_id: str, event: AuditEvent) -> None:
        """Idempotent: an event is recorded once, however often it is delivered.

        Raises InvalidInputError for an event that does not say what happened.
        """
        if not event.action or event.outcome not in _OUTCOMES:
            raise InvalidInputError(
                "invalid_audit_event", "An audit event has an action and a known outcome."
            )
        await self._store.append(tenant_id, event.event_id, partial(_link_after, event=event))

    async def page(
        self, caller: Caller, choice: TrailChoice, page_size: int, token: str = ""
    ) -> Page[Link]:
        """In order; a page size of 0 means 100.

        Raises InvalidInputError for a sequence, a page size or a token that cannot be.
        """
        if choice.after_sequence < 0:
            raise InvalidInputError("invalid_sequence", "A sequence number is not negative.")
        if not 0 <= page_size <= _MAX_PAGE_SIZE:
            raise InvalidInputError(
                "invalid_page_size", f"A page has 1 to {_MAX_PAGE_SIZE} events."
            )
        size = page_size or _DEFAULT_PAGE_SIZE
        query = ("audit_events", caller.tenant_id, *choice.words())
        if token:
            sequence, _ = position_of(token, query)
            choice = replace(choice, after_sequence=max(sequence, choice.after_sequence))
        links = await self._store.links(caller.tenant_id, choice, size + 1)
        shown = tuple(links[:size])
        more = len(links) > size
        return Page(shown, page_token(query, (shown[-1].sequence, "")) if more else None)

    async def head(self, caller: Caller) -> Head:
        return await self._store.head(caller.tenant_id)


def _link_after(head: Head, event: AuditEvent) -> Link:
    sequence, previous_hash = head.sequence + 1, head.hash or GENESIS_HASH
    digest = link_hash(previous_hash, sequence, event.event_id, event.facts())
    return Link(sequence, event, previous_hash, digest)
