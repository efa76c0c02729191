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
class ApiKey:
    id: str
    name: str
    role: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class NewApiKey:
    """`key` is shown this once."""

    id: str
    name: str
    role: str
    expires_at: datetime | None
    key: str = field(repr=False)


@dataclass(frozen=True)
class KeyRequest:
    name: str
    role: str
    expires_in_days: int | None = None
