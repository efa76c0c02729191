"""What the operator changed of tenants' limits."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changed_limits",
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), primary_key=True),
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("per_minute", sa.BigInteger, nullable=False),
        sa.Column("burst", sa.BigInteger, nullable=False),
        sa.Column("is_shadow", sa.Boolean, nullable=False),
    )
    protect_rows("changed_limits")


def downgrade() -> None:
    op.drop_table("changed_limits")
