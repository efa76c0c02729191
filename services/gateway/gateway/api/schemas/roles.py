"""Roles on the wire."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from pydantic import field_validator

from gateway.api.schemas.common import (
    Example,
    Name,
    PageBody,
    Permissions,
    RequestBody,
    ResponseBody,
    examples,
)

_ROLE: Example = {
    "id": "role_1c5d8e7f60594a3b8c2d1e0f98765432",
    "name": "reviewer",
    "permissions": ["audit:read", "documents:read"],
    "created_at": "2026-11-22T09:30:00.125000Z",
    "updated_at": "2026-11-22T09:30:00.125000Z",
}


class RoleWish(RequestBody):
    model_config = examples({"name": "reviewer", "permissions": ["audit:read", "documents:read"]})

    name: Name
    permissions: Permissions
    """None that you do not have yourself."""


class RoleBody(ResponseBody):
    model_config = examples(_ROLE)

    id: str
    """What API keys name it by."""
    name: str
    permissions: list[str]
    created_at: datetime
    updated_at: datetime

    @field_validator("permissions", mode="before")
    @classmethod
    def _in_one_order(cls, permissions: Collection[str]) -> list[str]:
        return sorted(permissions)


class BuiltInRole(ResponseBody):
    name: str
    permissions: list[str]


class RoleList(PageBody[RoleBody]):
    model_config = examples(
        {
            "items": [_ROLE],
            "next_page_token": None,
            "built_in": [{"name": "auditor", "permissions": ["audit:read"]}],
        }
    )

    built_in: list[BuiltInRole]
    """Those that every tenant has, by their names."""
