"""What requests with an idempotency key did and were answered."""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("lease_ends_ms", sa.BigInteger, nullable=False),
        sa.Column("has_effect", sa.Boolean, nullable=False),
        sa.Column("reply", sa.LargeBinary),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    )
    for column in ("tenant_id", "expires_at_ms"):
        op.create_index(f"ix_idempotency_keys_{column}", "idempotency_keys", [column])
    protect_rows("idempotency_keys")


def downgrade() -> None:
    op.drop_table("idempotency_keys")
