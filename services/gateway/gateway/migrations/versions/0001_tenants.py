"""Tenants, API keys and the outbox."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.columns import CountingInt64
from clientsphere_common.db.row_security import protect_rows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )
    _create_api_keys()
    _create_outbox()
    protect_rows("tenants", tenant_column="id", allowed=("SELECT", "INSERT"))
    protect_rows("api_keys")
    protect_rows("outbox")


def downgrade() -> None:
    for table in ("outbox", "api_keys", "tenants"):
        op.drop_table(table)


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("prefix", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger),
        sa.Column("last_used_at_ms", sa.BigInteger),
        sa.Column("revoked_at_ms", sa.BigInteger),
    )
    op.create_index("ix_api_keys_tenant_id", "api_keys", ["tenant_id"])


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
