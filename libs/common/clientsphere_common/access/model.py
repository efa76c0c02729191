"""The words of access: what may be done, by which roles, and what needs no permission at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What somebody may be allowed to do in a tenant; also the names of the scopes of API keys."""

    KNOWLEDGE_BASES_READ = "knowledge_bases:read"
    KNOWLEDGE_BASES_WRITE = "knowledge_bases:write"
    KNOWLEDGE_BASES_DELETE = "knowledge_bases:delete"
    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    DOCUMENTS_DELETE = "documents:delete"
    DOCUMENTS_READ_ALL = "documents:read_all"
    """Whoever else may read them. Opens nothing by itself: reading needs its own permission."""
    ACCESS_MANAGE = "access:manage"
    SEARCH = "search"
    CHAT = "chat"
    API_KEYS_MANAGE = "api_keys:manage"
    ROLES_MANAGE = "roles:manage"
    SESSIONS_MANAGE = "sessions:manage"
    AUDIT_READ = "audit:read"
    WEBHOOKS_MANAGE = "webhooks:manage"


class Role(StrEnum):
    """The roles that every tenant has; it may make others of its own."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    AUDITOR = "auditor"


class Entry(StrEnum):
    """Who may enter where no permission of a tenant is asked for."""

    PUBLIC = "none"
    SIGNED_IN = "any signed-in caller"
    OPERATOR = "operator of the platform"


Access = Permission | Entry


@dataclass(frozen=True)
class Row:
    """One way in: the roles that have it, and what it opens."""

    access: Access
    roles: tuple[Role, ...] = ()
    """None for an Entry, which does not ask for roles."""
    routes: tuple[str, ...] = ()
    """Of HTTP, as `GET /v1/me`. Each is in one row."""
    methods: tuple[str, ...] = ()
    """Of gRPC, by their full names. One that is in several rows is open to each of them."""
