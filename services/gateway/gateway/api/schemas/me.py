"""Whoever is calling, on the wire."""

from __future__ import annotations

from typing import Literal

from gateway.api.schemas.common import ResponseBody, examples


class NamedTenant(ResponseBody):
    id: str
    name: str


class NamedPrincipal(ResponseBody):
    id: str
    name: str | None
    """Of an API key; a person's name stays with the issuer that knows it."""
    kind: Literal["api_key", "user"]


class Me(ResponseBody):
    model_config = examples(
        {
            "tenant": {
                "id": "tnt_0d7b52a4c9e84f1fb6a3c2d1e0f98765",
                "name": "Kestrand Instruments",
            },
            "principal": {"id": "key_4fJk29Qz", "name": "intranet search", "kind": "api_key"},
            "roles": ["viewer"],
            "permissions": ["chat", "documents:read", "knowledge_bases:read", "search"],
        }
    )

    tenant: NamedTenant
    principal: NamedPrincipal
    roles: list[str]
    permissions: list[str]
