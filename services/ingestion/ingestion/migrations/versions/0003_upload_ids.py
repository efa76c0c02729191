"""By which ids uploads are recognised when they are sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document_versions", sa.Column("upload_id", sa.String(64)))
    op.create_index("upload_ids", "document_versions", ["tenant_id", "upload_id"], unique=True)


def downgrade() -> None:
    op.drop_index("upload_ids", "document_versions")
    op.drop_column("document_versions", "upload_id")
