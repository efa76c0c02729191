"""Tenants, the credentials of those who act for them, and the roles that a tenant makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from clientsphere_common.request import Caller


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class CustomRole:
    """A role of one tenant, beside those that every tenant has."""

    id: str
    tenant_id: str
    name: str
    permissions: frozenset[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class KeyWish:
    """What somebody wants a new key to be."""

    name: str
    role: str
    """One that every tenant has, by its name, or the id of one of the tenant's own."""
    lifetime: timedelta | None = None
    """None: it never expires."""
    scopes: frozenset[str] | None = None
    """The only permissions of its role that it is to have; None: all."""
    networks: tuple[str, ...] = ()
    """In CIDR notation: where it may be used from; empty: from anywhere."""


@dataclass(frozen=True)
class ApiKey:
    """A principal that is a program. Its secret is known to its holder only."""

    id: str
    tenant_id: str
    name: str
    role: str
    prefix: str
    """The part of the key that is no secret: what a person recognises it by."""
    secret_hash: bytes = field(repr=False)
    created_at: datetime
    scopes: frozenset[str] | None = None
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    previous_secret_hash: bytes | None = field(default=None, repr=False)
    previous_secret_expires_at: datetime | None = None
    """Until when the secret from before the last rotation is good as well."""

    def permissions(self, of_role: frozenset[str]) -> frozenset[str]:
        """What it may do when its role may do `of_role`."""
        return of_role if self.scopes is None else of_role & self.scopes

    def caller(self, of_role: frozenset[str]) -> Caller:
        permissions = self.permissions(of_role)
        return Caller(self.tenant_id, self.id, (self.role,), permissions=permissions)


class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    """Whether it has expired as well or not."""


@dataclass(frozen=True)
class KeyChoice:
    """Which API keys somebody asks for; as it stands, all."""

    states: frozenset[KeyState] = frozenset()
    """Empty: in any."""
    name_piece: str = ""
    """Stands somewhere in the name, A to Z in either case."""


@dataclass(frozen=True)
class NewSecret:
    """The hash of a key's next secret, and how long the one before it lives on."""

    secret_hash: bytes = field(repr=False)
    rotated_at: datetime
    previous_expires_at: datetime


@dataclass(frozen=True)
class IssuedKey:
    """A key together with a new text of it, which nobody can read back later."""

    record: ApiKey
    key: str = field(repr=False)


@dataclass(frozen=True)
class NewTenant:
    tenant: Tenant
    owner_key: IssuedKey
