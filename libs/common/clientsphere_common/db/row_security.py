"""Row-level security for the tables of a service, set up by the migrations that make them."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

from clientsphere_common.db import postgres

_EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")


def protect_rows(
    table: str, tenant_column: str = "tenant_id", allowed: Sequence[str] = _EVERYTHING
) -> None:
    """Let the service do what is `allowed` with the rows of its transaction's tenant in `table`.

    Every table needs it, in the migration that makes it: without it the service may not even
    read. Databases other than PostgreSQL know nothing of the kind and are left as they are.
    """
    connection = op.get_bind()
    if connection.dialect.name != postgres.NAME:
        return
    roles = postgres.ServiceRoles(connection.scalar(text("SELECT current_schema()")))
    is_own = f"{tenant_column} = NULLIF(current_setting('{postgres.TENANT_SETTING}', true), '')"
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY rows_of_the_tenant ON {table} TO {roles.login}, {roles.owner}"
        f" USING ({is_own}) WITH CHECK ({is_own})",
        f"CREATE POLICY rows_of_all_tenants ON {table} TO {roles.system}"
        " USING (true) WITH CHECK (true)",
        f"GRANT {', '.join(allowed)} ON {table} TO {roles.login}, {roles.system}",
    ):
        op.execute(statement)
