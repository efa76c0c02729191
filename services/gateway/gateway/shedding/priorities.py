"""Which requests are given up last when there is too much to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


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
    "POST /v1/tenants",
    "POST /v1/tenants/{tenant_id}/token-issuers",
    "GET /v1/tenants/{tenant_id}/token-issuers",
    "DELETE /v1/tenants/{tenant_id}/token-issuers/{token_issuer_id}",
)
_NORMAL = (
    "POST /v1/chat",
    "POST /v1/search",
    "POST /v1/tokens",
    "GET /.well-known/jwks.json",
    "GET /v1/me",
    "POST /v1/api-keys",
    "POST /v1/roles",
    "POST /v1/knowledge-bases",
    "GET /v1/knowledge-bases/{knowledge_base_id}",
    "DELETE /v1/knowledge-bases/{knowledge_base_id}",
    "GET /v1/documents/{document_id}",
    "DELETE /v1/documents/{document_id}",
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
PRIORITIES: Mapping[str, Priority] = {
    **dict.fromkeys(_ALWAYS, Priority.ALWAYS),
    **dict.fromkeys(_HIGH, Priority.HIGH),
    **dict.fromkeys(_NORMAL, Priority.NORMAL),
    **dict.fromkeys(_LOW, Priority.LOW),
}
"""By the names of routes; others are `LOW`."""
