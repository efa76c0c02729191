"""What PostgreSQL is told: how long to wait, and whose rows a transaction may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.postgres_password import ServicePassword, use_password

NAME = "postgresql"
TENANT_SETTING = "clientsphere.tenant_id"

# Both end with the transaction, so that a pooled connection carries nothing over.
_AS_TENANT = text(f"SELECT set_config('{TENANT_SETTING}', :tenant_id, true)")
_AS_SYSTEM = text(
    "SELECT set_config('role', 'clientsphere_' || current_schema() || '_system', true)"
)
_TAKE_TURN = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || :tenant_id, 0))"
)

_TRY_ALONE = text(
    "SELECT pg_try_advisory_xact_lock("
    "hashtextextended(current_schema() || '/alone at/' || :task, 0))"
)


@dataclass(frozen=True)
class ServiceRoles:
    """The roles of the service whose schema is `schema`. None may pass row-level security."""

    schema: str

    @classmethod
    def of_service(cls, service: str) -> ServiceRoles:
        return cls(service.replace("-", "_"))

    @property
    def login(self) -> str:
        """Under which the service works."""
        return f"clientsphere_{self.schema}"

    @property
    def system(self) -> str:
        """Which the service takes on for a transaction over all tenants; nobody logs in as it."""
        return f"clientsphere_{self.schema}_system"

    @property
    def owner(self) -> str:
        """Under which migrations run."""
        return f"clientsphere_{self.schema}_owner"


def connection_info(url: str, **more: str | int) -> str:
    """`url` as libpq understands it; as a URL, it would repeat a password that has a space."""
    parsed = make_url(url)
    named = {
        "host": parsed.host,
        "port": parsed.port,
        "dbname": parsed.database,
        "user": parsed.username,
        "password": parsed.password,
    }
    asked = {name: value for name, value in parsed.query.items() if isinstance(value, str)}
    return make_conninfo("", **{**named, **asked, **more})


def open_postgres(
    url: str, limits: DatabaseLimits, password: ServicePassword | None = None
) -> AsyncEngine:
    """Without `password` the URL says all there is to know."""
    engine = create_async_engine(
        url,
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.connection_wait_s,
        pool_recycle=limits.connection_age_s,
        # A connection that the server has closed meanwhile is replaced before it is used.
        pool_pre_ping=True,
        # The values of a failed statement stay out of the logs.
        hide_parameters=True,
        connect_args=_connect_arguments(limits),
    )
    if password is not None:
        use_password(engine, password)
    return engine


def read_only_postgres(engine: AsyncEngine) -> AsyncEngine:
    """One moment for the whole transaction, as a reader of SQLite has it."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def enter_tenant(connection: Connection, tenant_id: str) -> None:
    """Show the rows of `tenant_id` to the transaction that has just begun, and no others."""
    connection.execute(_AS_TENANT, {"tenant_id": tenant_id})


def take_turn(connection: Connection, tenant_id: str) -> None:
    """Wait until no other writer works for `tenant_id`, in this process or another."""
    connection.execute(_TAKE_TURN, {"tenant_id": tenant_id})


def try_alone(connection: Connection, task: str) -> bool:
    """Tell whether no other transaction, in this process or another, is at `task`."""
    return bool(connection.scalar(_TRY_ALONE, {"task": task}))


def enter_system(connection: Connection) -> None:
    """Show the rows of all tenants to the transaction that has just begun."""
    connection.execute(_AS_SYSTEM)


def _connect_arguments(limits: DatabaseLimits) -> dict[str, Any]:
    timeouts_s = {
        "statement_timeout": limits.statement_timeout_s,
        "lock_timeout": limits.lock_timeout_s,
        "idle_in_transaction_session_timeout": limits.idle_timeout_s,
    }
    return {
        "connect_timeout": limits.connect_timeout_s,
        # A server whose machine is gone does not acknowledge: the kernel gives up by then.
        "tcp_user_timeout": int(limits.statement_timeout_s * 1000),
        "options": " ".join(f"-c {name}={int(s * 1000)}" for name, s in timeouts_s.items()),
    }
