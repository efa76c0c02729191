"""The class of each route, by which its requests are limited."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.limit_rules import RouteClass

ROUTE_CLASSES: Mapping[str, RouteClass] = {
    "POST /v1/tokens": RouteClass.LOGIN,
    "GET /.well-known/jwks.json": RouteClass.OPEN,
    "GET /v1/me": RouteClass.READ,
    "GET /v1/sign-in/{sign_in_id}": RouteClass.LOGIN,
    "GET /v1/sign-in/{sign_in_id}/start": RouteClass.LOGIN,
    "GET /v1/sign-in/{sign_in_id}/callback": RouteClass.LOGIN,
    "DELETE /v1/session": RouteClass.WRITE,
    "GET /v1/sessions": RouteClass.READ,
    "DELETE /v1/sessions/{session_id}": RouteClass.WRITE,
    "POST /v1/api-keys": RouteClass.KEYS,
    "GET /v1/api-keys": RouteClass.READ,
    "POST /v1/api-keys/{api_key_id}/rotate": RouteClass.KEYS,
    "DELETE /v1/api-keys/{api_key_id}": RouteClass.WRITE,
    "POST /v1/roles": RouteClass.WRITE,
    "GET /v1/roles": RouteClass.READ,
    "GET /v1/roles/{role_id}": RouteClass.READ,
    "PUT /v1/roles/{role_id}": RouteClass.WRITE,
    "DELETE /v1/roles/{role_id}": RouteClass.WRITE,
    "POST /v1/knowledge-bases": RouteClass.WRITE,
    "GET /v1/knowledge-bases": RouteClass.READ,
    "GET /v1/knowledge-bases/{knowledge_base_id}": RouteClass.READ,
    "DELETE /v1/knowledge-bases/{knowledge_base_id}": RouteClass.WRITE,
    "GET /v1/knowledge-bases/{knowledge_base_id}/access": RouteClass.READ,
    "PUT /v1/knowledge-bases/{knowledge_base_id}/access": RouteClass.WRITE,
    "POST /v1/documents": RouteClass.WRITE,
    "GET /v1/documents": RouteClass.READ,
    "GET /v1/documents/{document_id}": RouteClass.READ,
    "DELETE /v1/documents/{document_id}": RouteClass.WRITE,
    "GET /v1/documents/{document_id}/access": RouteClass.READ,
    "PUT /v1/documents/{document_id}/access": RouteClass.WRITE,
    "GET /v1/documents/{document_id}/content": RouteClass.READ,
    "GET /v1/documents/{document_id}/text": RouteClass.READ,
    "POST /v1/search": RouteClass.SEARCH,
    "POST /v1/chat": RouteClass.ASK,
    "GET /v1/audit/events": RouteClass.READ,
    "POST /v1/webhooks": RouteClass.WRITE,
    "GET /v1/webhooks": RouteClass.READ,
    "GET /v1/webhooks/{webhook_id}": RouteClass.READ,
    "PUT /v1/webhooks/{webhook_id}": RouteClass.WRITE,
    "DELETE /v1/webhooks/{webhook_id}": RouteClass.WRITE,
    "POST /v1/webhooks/{webhook_id}/rotate": RouteClass.WRITE,
    "POST /v1/webhooks/{webhook_id}/test": RouteClass.WRITE,
    "GET /v1/webhooks/{webhook_id}/deliveries": RouteClass.READ,
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": RouteClass.WRITE,
    "POST /v1/tenants": RouteClass.ADMIN,
    "GET /v1/tenants/{tenant_id}/limits": RouteClass.ADMIN,
    "PUT /v1/tenants/{tenant_id}/limits": RouteClass.ADMIN,
    "POST /v1/tenants/{tenant_id}/token-issuers": RouteClass.ADMIN,
    "GET /v1/tenants/{tenant_id}/token-issuers": RouteClass.ADMIN,
    "DELETE /v1/tenants/{tenant_id}/token-issuers/{token_issuer_id}": RouteClass.ADMIN,
    "GET /health/live": RouteClass.OPEN,
    "GET /health/ready": RouteClass.OPEN,
    "GET /metrics": RouteClass.OPEN,
}


def class_of(name: str) -> RouteClass:
    """Raises LookupError for a route that has none."""
    if name not in ROUTE_CLASSES:
        raise LookupError(f"{name} has no class in {__name__}")
    return ROUTE_CLASSES[name]
