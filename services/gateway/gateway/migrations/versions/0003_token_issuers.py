"""The issuers whose tokens a tenant accepts."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "token_issuers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("url", sa.String(512), nullable=False),
        sa.Column("audience", sa.String(256), nullable=False),
        sa.Column("condition_claim", sa.String(128), nullable=False),
        sa.Column("condition_value", sa.String(256), nullable=False),
        sa.Column("accepted", sa.JSON, nullable=False),
        sa.Column("mapping", sa.JSON, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("url", "audience", "condition_claim", "condition_value"),
    )
    op.create_index("ix_token_issuers_tenant_id", "token_issuers", ["tenant_id"])
    protect_rows("token_issuers", allowed=("SELECT", "INSERT", "DELETE"))


def downgrade() -> None:
    op.drop_table("token_issuers")
