"""What the audit trail needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from audit.model import Head, Link, TrailChoice


class TrailStore(Protocol):
    """Chains of links, one a tenant, each appended to only.

    Raises DependencyUnavailableError when it does not answer.
    """

    async def append(
        self, tenant_id: str, event_id: str, link_after: Callable[[Head], Link]
    ) -> None:
        """Add the link that follows the head and make it the head, in one step.

        Of concurrent calls each sees the head that the one before it left. An event id that the
        chain already holds changes nothing.
        """
        ...

    async def links(self, tenant_id: str, choice: TrailChoice, limit: int) -> list[Link]:
        """In order of sequence."""
        ...

    async def head(self, tenant_id: str) -> Head: ...
