"""The chains of audit events, and the head of each."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_links",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("principal_id", sa.String(64), nullable=False),
        sa.Column("target_type", sa.String(32), nullable=False),
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    columns = ["tenant_id", "event_id"]
    op.create_index("audit_links_by_event", "audit_links", columns, unique=True)
    columns = ["tenant_id", "action", "sequence"]
    op.create_index("audit_links_by_action", "audit_links", columns)
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    # What was recorded can be neither changed nor removed, even by the service itself.
    protect_rows("audit_links", allowed=("SELECT", "INSERT"))
    protect_rows("audit_heads", allowed=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    op.drop_table("audit_heads")
    op.drop_table("audit_links")
