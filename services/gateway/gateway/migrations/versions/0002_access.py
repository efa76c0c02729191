"""What restricts an API key, its two secrets, and the roles of tenants.

Only adds and widens, so gateways of the version before go on working: they know nothing of scopes
and networks and fail on keys of other roles, so make such keys when all gateways are new.
"""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ADDED = ("scopes", "networks", "previous_secret_hash", "previous_secret_expires_at_ms")


def upgrade() -> None:
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.alter_column("role", existing_type=sa.String(16), type_=sa.String(64))
        api_keys.add_column(sa.Column("scopes", sa.JSON))
        api_keys.add_column(sa.Column("networks", sa.JSON))
        api_keys.add_column(sa.Column("previous_secret_hash", sa.LargeBinary))
        api_keys.add_column(sa.Column("previous_secret_expires_at_ms", sa.BigInteger))
    op.create_table(
        "roles",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant_id", "name", name="uq_roles_tenant_id_name"),
    )
    protect_rows("roles")


def downgrade() -> None:
    op.drop_table("roles")
    with op.batch_alter_table("api_keys") as api_keys:
        for name in _ADDED:
            api_keys.drop_column(name)
        api_keys.alter_column("role", existing_type=sa.String(64), type_=sa.String(16))
