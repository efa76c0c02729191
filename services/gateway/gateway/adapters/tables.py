"""The tables that the gateway alone writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.columns import Int64
from clientsphere_common.db.outbox import OutboxColumns
from clientsphere_common.db.session import TenantScoped


class Base(DeclarativeBase):
    """The metadata of this service's schema."""


class TenantRow(Base):
    """Not scoped to a tenant: it is one."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    created_at_ms: Mapped[Int64]


class ApiKeyRow(TenantScoped, Base):
    __tablename__ = "api_keys"

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), index=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(64))
    """The name of a role that every tenant has, or the id of a row of `roles`."""
    prefix: Mapped[str] = mapped_column(String(32))
    secret_hash: Mapped[bytes]
    created_at_ms: Mapped[Int64]
    expires_at_ms: Mapped[Int64 | None]
    last_used_at_ms: Mapped[Int64 | None]
    revoked_at_ms: Mapped[Int64 | None]
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    networks: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    previous_secret_hash: Mapped[bytes | None]
    previous_secret_expires_at_ms: Mapped[Int64 | None]


class RoleRow(TenantScoped, Base):
    """A role that a tenant made."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("tenant_id", "name", name="uq_roles_tenant_id_name"),)

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"))
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    permissions: Mapped[list[str]] = mapped_column(JSON)
    created_at_ms: Mapped[Int64]
    updated_at_ms: Mapped[Int64]


class TokenIssuerRow(TenantScoped, Base):
    """The uniqueness is across tenants: a token must be for one entry."""

    __tablename__ = "token_issuers"
    __table_args__ = (
        UniqueConstraint("url", "audience", "condition_claim", "condition_value"),
        Index(
            "uq_token_issuers_sign_in_client",
            *("url", "sign_in_client_id", "condition_claim", "condition_value"),
            unique=True,
        ),
    )

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), index=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(String(512))
    audience: Mapped[str] = mapped_column(String(256))
    condition_claim: Mapped[str] = mapped_column(String(128))
    condition_value: Mapped[str] = mapped_column(String(256))
    accepted: Mapped[dict[str, Any]] = mapped_column(JSON)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at_ms: Mapped[Int64]
    sign_in_client_id: Mapped[str | None] = mapped_column(String(256))
    sign_in: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The rest of the offer whose client that is."""


def _issuer() -> Mapped[str]:
    """What belongs to an issuer ends with it."""
    issuer = ForeignKey("token_issuers.id", ondelete="CASCADE")
    return mapped_column(String(64), issuer, index=True)


class SignInAttemptRow(TenantScoped, Base):
    """A browser that was sent to an issuer and has not come back."""

    __tablename__ = "sign_in_attempts"

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), index=True)
    state_digest: Mapped[bytes] = mapped_column(primary_key=True)
    issuer_id: Mapped[str] = _issuer()
    browser_digest: Mapped[bytes]
    nonce_digest: Mapped[bytes]
    code_verifier: Mapped[str] = mapped_column(String(64))
    return_path: Mapped[str] = mapped_column(String(512))
    expires_at_ms: Mapped[Int64]


class SessionRow(TenantScoped, Base):
    __tablename__ = "sessions"

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), index=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    issuer_id: Mapped[str] = _issuer()
    principal_id: Mapped[str] = mapped_column(String(64))
    roles: Mapped[list[str]] = mapped_column(JSON)
    groups: Mapped[list[str]] = mapped_column(JSON)
    secret_digest: Mapped[bytes] = mapped_column(unique=True)
    created_at_ms: Mapped[Int64]
    last_used_at_ms: Mapped[Int64]
    expires_at_ms: Mapped[Int64]


class ChangedLimitRow(TenantScoped, Base):
    __tablename__ = "changed_limits"

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    per_minute: Mapped[Int64]
    burst: Mapped[Int64]
    is_shadow: Mapped[bool]


class WebhookRow(TenantScoped, Base):
    __tablename__ = "webhooks"

    tenant_id: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.id"), index=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(String(1024))
    description: Mapped[str] = mapped_column(String(120))
    event_types: Mapped[list[str]] = mapped_column(JSON)
    disabled_reason: Mapped[str] = mapped_column(String(16), default="")
    """Empty while it is enabled."""
    secret: Mapped[bytes]
    """Encrypted under the key of the tenant, as is the one before."""
    previous_secret: Mapped[bytes | None]
    previous_secret_ends_at_ms: Mapped[Int64 | None]
    failures_in_row: Mapped[int] = mapped_column(default=0)
    failing_since_ms: Mapped[Int64 | None]
    rests_until_ms: Mapped[Int64] = mapped_column(default=0)
    created_at_ms: Mapped[Int64]
    updated_at_ms: Mapped[Int64]


class WebhookDeliveryRow(TenantScoped, Base):
    """`due_at_ms` is when it may be taken next; taking it puts that off by the lease."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_due", "webhook_id", "state", "due_at_ms"),
        Index("ix_webhook_deliveries_by_age", "webhook_id", "created_at_ms", "id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("webhooks.id", ondelete="CASCADE")
    )
    event_id: Mapped[str] = mapped_column(String(64))
    event_type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(16))
    due_at_ms: Mapped[Int64]
    claims: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    last_attempt_at_ms: Mapped[Int64 | None]
    response_status: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(32), default="")
    occurred_at_ms: Mapped[Int64]
    created_at_ms: Mapped[Int64]
    settled_at_ms: Mapped[Int64 | None] = mapped_column(index=True)


class IdempotencyKeyRow(TenantScoped, Base):
    """The key itself is not kept. Its tenant is "operator" where the operator's key was shown."""

    __tablename__ = "idempotency_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A hash of the key and of whose it is."""
    seed: Mapped[bytes]
    """What the ids and secrets of all that the request makes are derived from, with the key."""
    fingerprint: Mapped[bytes | None]
    attempt: Mapped[int]
    lease_ends_ms: Mapped[Int64]
    has_effect: Mapped[bool]
    """Of what this service's own tables hold."""
    reply: Mapped[bytes | None]
    """Sealed under the key."""
    expires_at_ms: Mapped[Int64] = mapped_column(index=True)


class OutboxRow(OutboxColumns, Base):
    __tablename__ = "outbox"
