"""Which requests are given up last when there is too much to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from clientsphere_common.access.model import Access, Entry
from clientsphere_common.access.table import ROUTE_ACCESS


class Priority(Enum):
    """`value` is what metrics say; `share` the part of all places that it may find taken."""

    ALWAYS = ("always", None)
    """Whoever keeps the platform running has to see it most of all when it is overloaded."""
    HIGH = ("high", 1.0)
    """Ends a danger, or is the operator's: revoking keys, removing issuers."""
    NORMAL = ("normal", 0.9)
    """A person waits for it."""
    LOW = ("low", 0.6)
    """A program waits, or nobody: uploads, downloads, lists; and paths that lead nowhere."""

    def __init__(self, label: str, share: float | None) -> None:
        self.label = label
        self.share = share


_ALWAYS = ("GET /health/live", "GET /health/ready", "GET /metrics")
_HIGH = (
    "DELETE /v1/api-keys/{api_key_id}",
    "POST /v1/api-keys/{api_key_id}/rotate",
    "DELETE /v1/roles/{role_id}",
    "PUT /v1/roles/{role_id}",
)
_LOW = (
    "POST /v1/documents",
    "GET /v1/documents",
    "GET /v1/documents/{document_id}/content",
    "GET /v1/documents/{document_id}/text",
    "GET /v1/knowledge-bases",
    "GET /v1/api-keys",
    "GET /v1/roles",
    "GET /v1/audit/events",
    "GET /docs",
    "GET /docs/files",
    "GET /openapi.json",
)


def _priority(name: str, access: Access) -> Priority:
    if name in _ALWAYS:
        return Priority.ALWAYS
    if name in _HIGH or access is Entry.OPERATOR:
        return Priority.HIGH
    return Priority.LOW if name in _LOW else Priority.NORMAL


PRIORITIES: Mapping[str, Priority] = {
    name: _priority(name, access) for name, access in ROUTE_ACCESS.items()
}
"""By the names of routes; what leads nowhere is `LOW`."""
