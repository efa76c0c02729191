"""The webhooks of tenants, and what is delivered to them."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_webhooks()
    _create_deliveries()
    protect_rows("webhooks")
    protect_rows("webhook_deliveries")


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhooks"):
        op.drop_table(table)


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("url", sa.String(1024), nullable=False),
        sa.Column("description", sa.String(120), nullable=False),
        sa.Column("event_types", sa.JSON, nullable=False),
        sa.Column("disabled_reason", sa.String(16), nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("previous_secret", sa.LargeBinary),
        sa.Column("previous_secret_ends_at_ms", sa.BigInteger),
        sa.Column("failures_in_row", sa.Integer, nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger),
        sa.Column("rests_until_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_webhooks_tenant_id", "webhooks", ["tenant_id"])


def _create_deliveries() -> None:
    table = "webhook_deliveries"
    op.create_table(
        table,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column(
            "webhook_id",
            sa.String(64),
            sa.ForeignKey("webhooks.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("event_type", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger, nullable=False),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_attempt_at_ms", sa.BigInteger),
        sa.Column("response_status", sa.Integer),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger),
    )
    op.create_index("ix_webhook_deliveries_tenant_id", table, ["tenant_id"])
    op.create_index("ix_webhook_deliveries_settled_at_ms", table, ["settled_at_ms"])
    op.create_index("ix_webhook_deliveries_due", table, ["webhook_id", "state", "due_at_ms"])
    op.create_index("ix_webhook_deliveries_by_age", table, ["webhook_id", "created_at_ms", "id"])
