"""Tenants and the credentials of those who act for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clientsphere_common.request import Caller
from gateway.permissions import Role


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class ApiKey:
    """A principal that is a program. Its secret is known to its holder only."""

    id: str
    tenant_id: str
    name: str
    role: Role
    prefix: str
    """The part of the key that is no secret: what a person recognises it by."""
    secret_hash: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def caller(self) -> Caller:
        return Caller(self.tenant_id, self.id, (self.role.value,))


@dataclass(frozen=True)
class IssuedKey:
    """A new key together with its text, which nobody can read back later."""

    record: ApiKey
    key: str = field(repr=False)


@dataclass(frozen=True)
class NewTenant:
    tenant: Tenant
    owner_key: IssuedKey
