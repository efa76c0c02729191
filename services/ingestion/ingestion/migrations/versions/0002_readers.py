"""Who may read and edit what; names that are unique for each who sees them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audiences",
        sa.Column("resource_id", sa.String(64), primary_key=True),
        sa.Column("activity", sa.String(8), primary_key=True),
        sa.Column("identity", sa.String(300), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
    )
    op.create_index("ix_audiences_tenant_id", "audiences", ["tenant_id"])
    protect_rows("audiences")
    for table, openings in (
        ("knowledge_bases", ("open_to_readers", "open_to_editors")),
        ("documents", ("open_to_readers",)),
    ):
        for column in openings:
            op.add_column(table, _new(column, sa.Boolean(), sa.true()))
        op.add_column(table, _new("readers_revision", sa.Integer(), sa.text("0")))
    _name_what_somebody_else_may_have_named()


def _new(name: str, kind: sa.types.TypeEngine[Any], before: sa.True_ | sa.TextClause) -> Any:
    return sa.Column(name, kind, nullable=False, server_default=before)


def _name_what_somebody_else_may_have_named() -> None:
    op.drop_index("knowledge_base_names", "knowledge_bases")
    op.create_index("knowledge_base_names", "knowledge_bases", ["tenant_id", "name"])
    op.drop_index("living_document_names", "documents")
    op.create_index(
        "living_document_names",
        "documents",
        ["tenant_id", "knowledge_base_id", "name"],
        sqlite_where=sa.text("deleted_at_ms = 0"),
        postgresql_where=sa.text("deleted_at_ms = 0"),
    )


def downgrade() -> None:
    raise RuntimeError("releases before this one would show everybody what only some may read")
