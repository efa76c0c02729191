"""Knowledge bases, documents, their versions and the outbox."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.columns import CountingInt64
from clientsphere_common.db.row_security import protect_rows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_knowledge_bases()
    _create_documents()
    _create_versions()
    _create_outbox()
    for table in ("knowledge_bases", "documents", "document_versions", "outbox"):
        protect_rows(table)


def downgrade() -> None:
    for table in ("outbox", "document_versions", "documents", "knowledge_bases"):
        op.drop_table(table)


def _create_knowledge_bases() -> None:
    op.create_table(
        "knowledge_bases",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
    )
    op.create_index("ix_knowledge_bases_tenant_id", "knowledge_bases", ["tenant_id"])
    op.create_index("knowledge_base_names", "knowledge_bases", ["tenant_id", "name"], unique=True)


def _create_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("knowledge_base_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("latest_version", sa.Integer, nullable=False),
        sa.Column("readable_version", sa.Integer, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
    )
    op.create_index("ix_documents_tenant_id", "documents", ["tenant_id"])
    op.create_index("documents_by_age", "documents", ["tenant_id", "created_at_ms", "id"])
    op.create_index(
        "living_document_names",
        "documents",
        ["tenant_id", "knowledge_base_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at_ms = 0"),
        postgresql_where=sa.text("deleted_at_ms = 0"),
    )


def _create_versions() -> None:
    op.create_table(
        "document_versions",
        sa.Column(
            "document_id",
            sa.String(64),
            sa.ForeignKey("documents.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("object_key", sa.String(255), nullable=False),
        sa.Column("text_key", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("chunks_done", sa.Integer, nullable=False),
        sa.Column("chunks_total", sa.Integer, nullable=False),
        sa.Column("page_count", sa.Integer, nullable=False),
        sa.Column("chunk_count", sa.Integer, nullable=False),
        sa.Column("failure_code", sa.String(64), nullable=False),
        sa.Column("failure_message", sa.String(500), nullable=False),
        sa.Column("uploaded_by", sa.String(64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
    )
    for column in ("object_key", "text_key", "tenant_id"):
        op.create_index(f"ix_document_versions_{column}", "document_versions", [column])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", CountingInt64, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(64), nullable=False, unique=True),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
    )
    op.create_index("ix_outbox_tenant_id", "outbox", ["tenant_id"])
