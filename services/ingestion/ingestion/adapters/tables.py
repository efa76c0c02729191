"""The tables that ingestion alone writes."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clientsphere_common.db.columns import Int64
from clientsphere_common.db.outbox import OutboxColumns
from clientsphere_common.db.session import TenantScoped


class Base(DeclarativeBase):
    """The metadata of this service's schema."""


class KnowledgeBaseRow(TenantScoped, Base):
    __tablename__ = "knowledge_bases"
    __table_args__ = (Index("knowledge_base_names", "tenant_id", "name"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    created_at_ms: Mapped[Int64]
    open_to_readers: Mapped[bool] = mapped_column(server_default=true())
    open_to_editors: Mapped[bool] = mapped_column(server_default=true())
    readers_revision: Mapped[int] = mapped_column(server_default=text("0"))


class DocumentRow(TenantScoped, Base):
    """A document; `deleted_at_ms` is its tombstone, 0 while it lives."""

    __tablename__ = "documents"
    __table_args__ = (
        Index(
            "living_document_names",
            "tenant_id",
            "knowledge_base_id",
            "name",
            sqlite_where=text("deleted_at_ms = 0"),
            postgresql_where=text("deleted_at_ms = 0"),
        ),
        Index("documents_by_age", "tenant_id", "created_at_ms", "id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    knowledge_base_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    latest_version: Mapped[int]
    readable_version: Mapped[int] = mapped_column(default=0)
    created_at_ms: Mapped[Int64]
    deleted_at_ms: Mapped[Int64] = mapped_column(default=0)
    open_to_readers: Mapped[bool] = mapped_column(server_default=true())
    readers_revision: Mapped[int] = mapped_column(server_default=text("0"))


class Activity(StrEnum):
    READ = "read"
    EDIT = "edit"


class AudienceRow(TenantScoped, Base):
    """An identity to which a knowledge base or a document is open, where it is not to everyone."""

    __tablename__ = "audiences"

    resource_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    activity: Mapped[str] = mapped_column(String(8), primary_key=True)
    identity: Mapped[str] = mapped_column(String(300), primary_key=True)


class VersionRow(TenantScoped, Base):
    """One upload of a document and the work on it."""

    __tablename__ = "document_versions"
    __table_args__ = (Index("upload_ids", "tenant_id", "upload_id", unique=True),)

    document_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    object_key: Mapped[str] = mapped_column(String(255), index=True)
    text_key: Mapped[str] = mapped_column(String(255), default="", index=True)
    media_type: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[Int64]
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(16))
    starts: Mapped[int] = mapped_column(default=0)
    chunks_done: Mapped[int] = mapped_column(default=0)
    chunks_total: Mapped[int] = mapped_column(default=0)
    page_count: Mapped[int] = mapped_column(default=0)
    chunk_count: Mapped[int] = mapped_column(default=0)
    failure_code: Mapped[str] = mapped_column(String(64), default="")
    failure_message: Mapped[str] = mapped_column(String(500), default="")
    uploaded_by: Mapped[str] = mapped_column(String(64))
    upload_id: Mapped[str | None] = mapped_column(String(64))
    """Of the request, so that it is recognised when it comes again."""
    created_at_ms: Mapped[Int64]
    updated_at_ms: Mapped[Int64]


class OutboxRow(OutboxColumns, Base):
    __tablename__ = "outbox"
