"""Who may do what: one table of roles and permissions, and nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from clientsphere_common.errors import PermissionDeniedError


class Permission(StrEnum):
    KNOWLEDGE_BASES_READ = "knowledge_bases:read"
    KNOWLEDGE_BASES_WRITE = "knowledge_bases:write"
    KNOWLEDGE_BASES_DELETE = "knowledge_bases:delete"
    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    DOCUMENTS_DELETE = "documents:delete"
    SEARCH = "search"
    CHAT = "chat"
    API_KEYS_MANAGE = "api_keys:manage"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    AUDITOR = "auditor"


_READING = frozenset(
    {
        Permission.KNOWLEDGE_BASES_READ,
        Permission.DOCUMENTS_READ,
        Permission.SEARCH,
        Permission.CHAT,
    }
)
_EDITING = _READING | {
    Permission.KNOWLEDGE_BASES_WRITE,
    Permission.KNOWLEDGE_BASES_DELETE,
    Permission.DOCUMENTS_WRITE,
    Permission.DOCUMENTS_DELETE,
}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: _EDITING | {Permission.API_KEYS_MANAGE, Permission.AUDIT_READ},
    Role.EDITOR: _EDITING,
    Role.VIEWER: _READING,
    Role.AUDITOR: frozenset({Permission.AUDIT_READ}),
}
MANAGED_ROLES: Mapping[Role, frozenset[Role]] = {
    Role.OWNER: frozenset(Role),
    Role.ADMIN: frozenset(Role) - {Role.OWNER},
    Role.EDITOR: frozenset(),
    Role.VIEWER: frozenset(),
    Role.AUDITOR: frozenset(),
}
"""The roles whose keys a role may create and revoke: never one above its own."""


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Everything that any of `roles` may do."""
    return frozenset().union(*(ROLE_PERMISSIONS[Role(role)] for role in roles))


def require(roles: Iterable[str], permission: Permission) -> None:
    """Raise PermissionDeniedError unless one of `roles` has `permission`."""
    if permission not in permissions_of(roles):
        raise PermissionDeniedError(
            "permission_denied", f"This needs the permission {permission.value}."
        )


def require_management_of(role: Role, roles: Iterable[str]) -> None:
    """Raise PermissionDeniedError unless one of `roles` manages keys of `role`."""
    if not any(role in MANAGED_ROLES[Role(own)] for own in roles):
        raise PermissionDeniedError(
            "role_above_own", f"Keys of the role {role.value} are above your own role."
        )
