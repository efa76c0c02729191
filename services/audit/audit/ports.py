"""What the audit trail needs from outside."""

from __future__ import annotations

from typing import Protocol

from audit.model import AuditEvent, Head, Link


class TrailStore(Protocol):
    """Chains of links, one a tenant, each appended to only."""

    async def append(self, tenant_id: str, event: AuditEvent) -> None:
        """Add `event` behind the head, in one step with finding the head.

        An event id that the chain already holds changes nothing.
        """
        ...

    async def links(
        self, tenant_id: str, after_sequence: int, limit: int, action: str
    ) -> list[Link]:
        """In order of sequence; of every action when `action` is empty."""
        ...

    async def head(self, tenant_id: str) -> Head: ...
