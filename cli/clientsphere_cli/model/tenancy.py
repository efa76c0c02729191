"""Tenants and the keys of those who act for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class OwnerKey:
    id: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class NewTenant:
    """`owner_api_key` is shown this once: the server keeps only a hash of it."""

    id: str
    name: str
    created_at: datetime
    owner_api_key: OwnerKey


@dataclass(frozen=True)
class Limit:
    per_minute: int
    burst: int
    shadow: bool = False
    """Counted, but nothing is refused for it."""


@dataclass(frozen=True)
class ApiKey:
    id: str
    name: str
    role: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    scopes: tuple[str, ...] | None = None
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewApiKey:
    """`key` is shown this once."""

    id: str
    name: str
    role: str
    expires_at: datetime | None
    key: str = field(repr=False)


@dataclass(frozen=True)
class KeyFilters:
    """As the query of a request names them."""

    state: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class KeyRequest:
    name: str
    role: str
    expires_in_days: int | None = None
    scopes: tuple[str, ...] | None = None
    """The only permissions of the role that the key is to have; None: all."""
    networks: tuple[str, ...] = ()
    """From where it may be used; empty: from anywhere."""


@dataclass(frozen=True)
class RotatedKey:
    """`key` is shown this once."""

    id: str
    name: str
    previous_secret_expires_at: datetime
    key: str = field(repr=False)


@dataclass(frozen=True)
class Role:
    """One that the tenant has made, or, without an id, one that every tenant has."""

    name: str
    permissions: tuple[str, ...]
    id: str = ""
