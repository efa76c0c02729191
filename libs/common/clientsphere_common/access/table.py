"""The access table: permission by role, HTTP route and gRPC method. Nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clientsphere_common.access.model import Access, Entry, Permission, Role, Row

_INGESTION = "/clientsphere.ingestion.v1.IngestionService"
_RETRIEVAL = "/clientsphere.retrieval.v1.RetrievalService"
_LLM = "/clientsphere.llm.v1.LlmService"
_AUDIT = "/clientsphere.audit.v1.AuditService"

_ADMINS = (Role.OWNER, Role.ADMIN)
_EDITORS = (*_ADMINS, Role.EDITOR)
_VIEWERS = (*_EDITORS, Role.VIEWER)
_AUDITORS = (*_ADMINS, Role.AUDITOR)

TABLE: tuple[Row, ...] = (
    Row(
        Entry.PUBLIC,
        routes=(
            "POST /v1/tokens",
            "GET /v1/sign-in/{sign_in_id}",
            "GET /v1/sign-in/{sign_in_id}/start",
            "GET /v1/sign-in/{sign_in_id}/callback",
            "GET /.well-known/jwks.json",
            "GET /health/live",
            "GET /health/ready",
            "GET /metrics",
            "GET /docs",
            "GET /docs/files",
            "GET /openapi.json",
        ),
    ),
    Row(
        Entry.OPERATOR,
        routes=(
            "POST /v1/tenants",
            "GET /v1/tenants/{tenant_id}/limits",
            "PUT /v1/tenants/{tenant_id}/limits",
            "POST /v1/tenants/{tenant_id}/token-issuers",
            "GET /v1/tenants/{tenant_id}/token-issuers",
            "DELETE /v1/tenants/{tenant_id}/token-issuers/{token_issuer_id}",
        ),
    ),
    Row(
        Entry.SIGNED_IN,
        routes=("GET /v1/me", "DELETE /v1/session"),
        methods=(f"{_LLM}/ListModels",),
    ),
    Row(
        Permission.KNOWLEDGE_BASES_READ,
        _VIEWERS,
        routes=("GET /v1/knowledge-bases", "GET /v1/knowledge-bases/{knowledge_base_id}"),
        methods=(f"{_INGESTION}/ListKnowledgeBases", f"{_INGESTION}/GetKnowledgeBase"),
    ),
    Row(
        Permission.KNOWLEDGE_BASES_WRITE,
        _EDITORS,
        routes=("POST /v1/knowledge-bases",),
        # What was made is looked at again before a repeated request is answered.
        methods=(f"{_INGESTION}/CreateKnowledgeBase", f"{_INGESTION}/GetKnowledgeBase"),
    ),
    Row(
        Permission.KNOWLEDGE_BASES_DELETE,
        _EDITORS,
        routes=("DELETE /v1/knowledge-bases/{knowledge_base_id}",),
        methods=(f"{_INGESTION}/DeleteKnowledgeBase",),
    ),
    Row(
        Permission.DOCUMENTS_READ,
        _VIEWERS,
        routes=(
            "GET /v1/documents",
            "GET /v1/documents/{document_id}",
            "GET /v1/documents/{document_id}/content",
            "GET /v1/documents/{document_id}/text",
        ),
        methods=(
            f"{_INGESTION}/ListDocuments",
            f"{_INGESTION}/GetDocument",
            f"{_INGESTION}/DownloadDocument",
        ),
    ),
    Row(
        Permission.DOCUMENTS_WRITE,
        _EDITORS,
        routes=("POST /v1/documents",),
        methods=(
            f"{_INGESTION}/UploadDocument",
            f"{_INGESTION}/GetKnowledgeBase",
            f"{_INGESTION}/GetDocument",
            f"{_LLM}/Embed",
        ),
    ),
    Row(
        Permission.DOCUMENTS_DELETE,
        _EDITORS,
        routes=("DELETE /v1/documents/{document_id}",),
        methods=(f"{_INGESTION}/DeleteDocument",),
    ),
    Row(Permission.DOCUMENTS_READ_ALL, _ADMINS),
    Row(
        Permission.ACCESS_MANAGE,
        _ADMINS,
        routes=(
            "GET /v1/knowledge-bases/{knowledge_base_id}/access",
            "PUT /v1/knowledge-bases/{knowledge_base_id}/access",
            "GET /v1/documents/{document_id}/access",
            "PUT /v1/documents/{document_id}/access",
        ),
        methods=(
            f"{_INGESTION}/GetKnowledgeBaseAccess",
            f"{_INGESTION}/SetKnowledgeBaseAccess",
            f"{_INGESTION}/GetDocumentAccess",
            f"{_INGESTION}/SetDocumentAccess",
        ),
    ),
    Row(
        Permission.SEARCH,
        _VIEWERS,
        routes=("POST /v1/search",),
        # A kept answer is shown again only to whoever may still read what it cites.
        methods=(f"{_RETRIEVAL}/Search", f"{_LLM}/Embed", f"{_INGESTION}/GetDocument"),
    ),
    Row(
        Permission.CHAT,
        _VIEWERS,
        routes=("POST /v1/chat",),
        methods=(
            f"{_RETRIEVAL}/Search",
            f"{_LLM}/Embed",
            f"{_LLM}/Complete",
            f"{_INGESTION}/GetDocument",
        ),
    ),
    Row(
        Permission.API_KEYS_MANAGE,
        _ADMINS,
        routes=(
            "POST /v1/api-keys",
            "GET /v1/api-keys",
            "POST /v1/api-keys/{api_key_id}/rotate",
            "DELETE /v1/api-keys/{api_key_id}",
        ),
    ),
    Row(
        Permission.ROLES_MANAGE,
        _ADMINS,
        routes=(
            "POST /v1/roles",
            "GET /v1/roles",
            "GET /v1/roles/{role_id}",
            "PUT /v1/roles/{role_id}",
            "DELETE /v1/roles/{role_id}",
        ),
    ),
    Row(
        Permission.SESSIONS_MANAGE,
        _ADMINS,
        routes=("GET /v1/sessions", "DELETE /v1/sessions/{session_id}"),
    ),
    Row(
        Permission.AUDIT_READ,
        _AUDITORS,
        routes=("GET /v1/audit/events",),
        methods=(f"{_AUDIT}/ListEvents", f"{_AUDIT}/GetHead"),
    ),
    Row(
        Permission.WEBHOOKS_MANAGE,
        _ADMINS,
        routes=(
            "POST /v1/webhooks",
            "GET /v1/webhooks",
            "GET /v1/webhooks/{webhook_id}",
            "PUT /v1/webhooks/{webhook_id}",
            "DELETE /v1/webhooks/{webhook_id}",
            "POST /v1/webhooks/{webhook_id}/rotate",
            "POST /v1/webhooks/{webhook_id}/test",
            "GET /v1/webhooks/{webhook_id}/deliveries",
            "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        ),
    ),
)


def route_access(rows: Iterable[Row]) -> Mapping[str, Access]:
    """The way in of each route. Raises ValueError for a route with two."""
    found: dict[str, Access] = {}
    for row in rows:
        for route in row.routes:
            if route in found:
                raise ValueError(f"{route} is twice in the access table")
            found[route] = row.access
    return found


def method_access(rows: Iterable[Row]) -> Mapping[str, tuple[Access, ...]]:
    """The ways into each gRPC method, any of which is enough."""
    found: dict[str, tuple[Access, ...]] = {}
    for row in rows:
        for method in row.methods:
            found[method] = (*found.get(method, ()), row.access)
    return found


def role_permissions(rows: Iterable[Row]) -> Mapping[Role, frozenset[Permission]]:
    """What each role may do."""
    found: dict[Role, frozenset[Permission]] = dict.fromkeys(Role, frozenset())
    for row in rows:
        if isinstance(row.access, Permission):
            for role in row.roles:
                found[role] |= {row.access}
    return found


ROUTE_ACCESS = route_access(TABLE)
METHOD_ACCESS = method_access(TABLE)
ROLE_PERMISSIONS = role_permissions(TABLE)
