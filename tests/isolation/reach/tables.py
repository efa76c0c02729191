"""Rows are reached through tenant sessions; whoever sees all tenants is listed, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.isolation.reach.reading import Code, Finding, Reasons, last_name

_DB = "clientsphere_common.db"
_EVENTS = "clientsphere_common.events.sqlite."
_SCOPED = {"TenantScoped", "OutboxColumns"}
_MAKERS_OF_SESSIONS = {
    *("create_engine", "create_async_engine", "sessionmaker", "async_sessionmaker"),
    *("AsyncSession", "Session", "TenantSession", "SystemSession", "scoped_session"),
    *("open_engine", "open_blocking_engine", "async_scoped_session", "AsyncEngine"),
}
_BARE = {
    "Table",
    "table",
    "column",
    "insert",
    "literal_column",
    "text",
    "TextClause",
    "lambda_stmt",
}
_AROUND_SESSIONS = {
    *("connection", "exec_driver_sql", "from_statement", "get_bind", "run_sync", "connect"),
    *("bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "sync_session"),
}
_OVER_ALL_TENANTS = {"system_transaction", "system_snapshot", "alone"}

SYSTEM_SESSIONS: Reasons = {
    "clientsphere_common.db.session.Database.alone": "takes a lock, reads no row",
    "clientsphere_common.db.outbox.OutboxRelay._publish_batch": "takes a lock, reads no row",
    "clientsphere_common.db.outbox.OutboxRelay._publish_oldest": (
        "publishes the events of all tenants; each event carries its tenant"
    ),
    "gateway.adapters.sql_api_keys.SqlApiKeys.find": "a key is what tells the tenant",
    "gateway.adapters.sql_api_keys.SqlApiKeys.mark_used": "writes times of keys that were used",
    "gateway.adapters.sql_idempotency.SqlIdempotencyKeys.remove_expired": "removes by age alone",
    "gateway.adapters.sql_webhook_queue.SqlWebhookQueue.claim": (
        "takes what is due for all tenants; each delivery carries its tenant"
    ),
    "gateway.adapters.sql_webhook_queue.SqlWebhookQueue.remove_settled": "removes by age alone",
    "gateway.adapters.sql_webhook_queue.SqlWebhookQueue.overdue_since": "tells a time alone",
    "gateway.adapters.sql_limits.SqlLimits.all_changes": "a gateway counts for all tenants",
    "gateway.adapters.sql_sessions.SqlSessions.find": "a session is what tells the tenant",
    "gateway.adapters.sql_sessions.SqlSessions.mark_used": "writes when sessions were used",
    "gateway.adapters.sql_sign_in_attempts.SqlSignInAttempts.take": (
        "what a browser brings back is what tells the tenant; it is removed as it is read"
    ),
    "gateway.adapters.sql_token_issuers.SqlTokenIssuers.list_all": (
        "a token's issuer is what tells the tenant"
    ),
    "ingestion.adapters.sql_jobs.SqlJobLedger.is_referenced": (
        "asks for one object, before it is removed as nobody's"
    ),
}
TABLES_OF_NO_TENANT: Reasons = {
    "gateway.adapters.tables.TenantRow": "is the tenants themselves",
}
SESSIONS_OF_OTHER_KINDS: Reasons = {
    "clientsphere_common.secrets.vault.session": "a session of HTTP",
}
TEXT_IN_SERVICES: Reasons = {
    "ingestion.adapters.tables": "the condition of an index, which is no statement",
}


def engines_and_sessions_are_made_by_the_database_alone(code: Code) -> Iterator[Finding]:
    if _is_database(code):
        return
    for call, name in code.calls():
        if name in _MAKERS_OF_SESSIONS and code.module not in SESSIONS_OF_OTHER_KINDS:
            yield Finding(code.module, call.lineno, f"makes a session or an engine: {name}")
    for node, name in code.imports():
        if name.split(".")[0] in {"sqlite3", "psycopg", "aiosqlite", "asyncpg"}:
            yield Finding(code.module, node.lineno, f"imports the driver {name}")


def statements_name_mapped_classes(code: Code) -> Iterator[Finding]:
    if _is_database(code):
        return
    for node, name in code.imports():
        module, _, imported = name.rpartition(".")
        is_bare = module.startswith("sqlalchemy") and imported in _BARE
        if is_bare and code.module not in TEXT_IN_SERVICES:
            yield Finding(code.module, node.lineno, f"imports {imported}, which knows no tenant")
        if name == "sqlalchemy" and not code.module.endswith(".migrations.env"):
            yield Finding(code.module, node.lineno, "imports all of sqlalchemy")
    for found in ast.walk(code.tree):
        if isinstance(found, ast.Attribute) and found.attr in {"__table__", "sync_engine"}:
            yield Finding(code.module, found.lineno, f"reaches around the mapping: {found.attr}")


def sessions_are_not_gone_around(code: Code) -> Iterator[Finding]:
    if _is_database(code) or ".adapters.sql_" not in code.module:
        return
    for call, name in code.calls():
        if name in _AROUND_SESSIONS:
            yield Finding(code.module, call.lineno, f"goes around the session: {name}")


def who_sees_all_tenants_is_listed(code: Code) -> Iterator[Finding]:
    for name, function in code.functions():
        for node in ast.walk(function):
            if not isinstance(node, ast.Attribute) or node.attr not in _OVER_ALL_TENANTS:
                continue
            if f"{code.module}.{name}" not in SYSTEM_SESSIONS:
                yield Finding(code.module, node.lineno, f"{name} sees all tenants")


def every_table_belongs_to_tenants(code: Code) -> Iterator[Finding]:
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.ClassDef) or not _is_table(node):
            continue
        is_scoped = any(last_name(base) in _SCOPED for base in node.bases)
        if not is_scoped and f"{code.module}.{node.name}" not in TABLES_OF_NO_TENANT:
            yield Finding(code.module, node.lineno, f"{node.name} is not TenantScoped")


def _is_table(node: ast.ClassDef) -> bool:
    return any(
        isinstance(one, ast.Assign) and last_name(one.targets[0]) == "__tablename__"
        for one in node.body
    )


def _is_database(code: Code) -> bool:
    """The event log of the embedded shape has files of its own, with no rows of the services."""
    return code.module.startswith((f"{_DB}.", _EVENTS))


RULES = (
    engines_and_sessions_are_made_by_the_database_alone,
    statements_name_mapped_classes,
    sessions_are_not_gone_around,
    who_sees_all_tenants_is_listed,
    every_table_belongs_to_tenants,
)
