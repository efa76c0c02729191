"""The tables that audit alone writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.columns import Int64
from clientsphere_common.db.session import TenantScoped


class Base(DeclarativeBase):
    """The metadata of this service's schema."""


class LinkRow(TenantScoped, Base):
    """One link of a tenant's chain. Two rows can neither share a place nor an event."""

    __tablename__ = "audit_links"
    __table_args__ = (
        Index("audit_links_by_event", "tenant_id", "event_id", unique=True),
        Index("audit_links_by_action", "tenant_id", "action", "sequence"),
    )

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[Int64] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    principal_id: Mapped[str] = mapped_column(String(64))
    target_type: Mapped[str] = mapped_column(String(32))
    target_id: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    occurred_at_ms: Mapped[Int64]
    request_id: Mapped[str] = mapped_column(String(128))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class HeadRow(TenantScoped, Base):
    """The newest link of a tenant, kept apart: links cut off at the end are missed by it."""

    __tablename__ = "audit_heads"

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[Int64]
    hash: Mapped[str] = mapped_column(String(64))
