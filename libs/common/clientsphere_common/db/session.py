"""Sessions that see the rows of one tenant: the one place where tables apply the tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any

import structlog
from sqlalchemy import Connection, String, event
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)

from clientsphere_common.db import postgres
from clientsphere_common.db.engine import open_engine, read_only
from clientsphere_common.db.limits import DatabaseLimits
from clientsphere_common.db.postgres_password import ServicePassword
from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError

log = structlog.get_logger(__name__)

_TENANT = "tenant_id"
_WRITES = "writes"
_NOT_ANSWERING = (sqlalchemy_errors.OperationalError, sqlalchemy_errors.InterfaceError)


class TenantScoped:
    """Mixin of every table whose rows belong to a tenant."""

    tenant_id: Mapped[str] = mapped_column(String(64), index=True)


class ForeignRowError(RuntimeError):
    """A session of one tenant was about to write another tenant's row: a bug, never a request."""


class TenantSession(Session):
    """Knows its tenant in `info["tenant_id"]` and adds it to all it reads and writes."""


class SystemSession(Session):
    """Sees the rows of all tenants."""


@event.listens_for(TenantSession, "after_begin")
def _show_rows_of_the_tenant(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    if connection.dialect.name == postgres.NAME:
        postgres.enter_tenant(connection, session.info[_TENANT])
        if session.info[_WRITES]:
            postgres.take_turn(connection, session.info[_TENANT])


@event.listens_for(SystemSession, "after_begin")
def _show_rows_of_all_tenants(
    _session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    if connection.dialect.name == postgres.NAME:
        postgres.enter_system(connection)


@event.listens_for(TenantSession, "do_orm_execute")
def _only_rows_of_the_tenant(state: ORMExecuteState) -> None:
    if state.is_insert:
        raise ForeignRowError("rows are added to the session: a bulk insert is not checked")
    if not state.is_orm_statement or state.is_from_statement:
        raise ForeignRowError("SQL text and bare tables know no tenant: select mapped classes")
    tenant_id = state.session.info[_TENANT]
    state.statement = state.statement.options(
        with_loader_criteria(
            TenantScoped, lambda table: table.tenant_id == tenant_id, include_aliases=True
        )
    )


@event.listens_for(TenantSession, "before_flush")
def _write_only_for_the_tenant(session: Session, _flush: UOWTransaction, _objects: Any) -> None:
    tenant_id = session.info[_TENANT]
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantScoped):
            continue
        if _TENANT not in vars(row):
            row.tenant_id = tenant_id
        if row.tenant_id != tenant_id:
            raise ForeignRowError(f"{type(row).__name__} belongs to another tenant")


class Database:
    """One service's tables. A module: opened at start, closed at stop.

    The writers of a tenant take turns, so a transaction reads what the one before it wrote, and
    its block must not begin another one. Every method raises DependencyUnavailableError when the
    database does not answer, and InvalidInputError for a text that it cannot hold.
    """

    def __init__(
        self,
        url: str,
        limits: DatabaseLimits | None = None,
        password: ServicePassword | None = None,
    ) -> None:
        self._url = url
        self._password = password
        self._limits = limits or DatabaseLimits()
        self._engine: AsyncEngine | None = None
        # First come, first served. SQLite alone would let each writer sleep and look again, the
        # unlucky ones for half a second. A server lets them wait itself, those of many processes.
        self._is_file = make_url(url).get_backend_name() == "sqlite"
        self._turn = asyncio.Lock() if self._is_file else nullcontext()
        self._timeout_s = None if self._is_file else self._limits.transaction_timeout_s

    @property
    def name(self) -> str:
        return "database"

    async def start(self) -> None:
        self._engine = open_engine(self._url, self._limits, self._password)

    async def stop(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Read and write rows of `tenant_id` only; commits unless the block raises."""
        session = _tenant_session(self._opened(), tenant_id, writes=True)
        async with self._turn, _begun(session, self._timeout_s):
            yield session

    @asynccontextmanager
    async def snapshot(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Read rows of `tenant_id` only, as they are now, without waiting for writers."""
        session = _tenant_session(read_only(self._opened()), tenant_id, writes=False)
        async with _begun(session, self._timeout_s):
            yield session

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction over all tenants: for credentials, relays and sweeps only."""
        session = AsyncSession(
            self._opened(), sync_session_class=SystemSession, expire_on_commit=False
        )
        async with self._turn, _begun(session, self._timeout_s):
            yield session

    @asynccontextmanager
    async def system_snapshot(self) -> AsyncIterator[AsyncSession]:
        """As `system_transaction`, but only to read, without waiting for writers."""
        session = AsyncSession(
            read_only(self._opened()), sync_session_class=SystemSession, expire_on_commit=False
        )
        async with _begun(session, self._timeout_s):
            yield session

    @asynccontextmanager
    async def alone(self, task: str) -> AsyncIterator[bool]:
        """Tell whether this process may do `task` until the block ends; False: another is at it.

        A process that dies makes way at once. The tables of a file belong to one process.
        """
        if self._is_file:
            yield True
            return
        async with self.system_transaction() as session:
            connection = await session.connection()
            yield await connection.run_sync(postgres.try_alone, task)

    async def check(self) -> None:
        """Raise unless the database answers."""
        with _translated():
            async with read_only(self._opened()).connect() as connection:
                await connection.exec_driver_sql("SELECT 1")

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the database has not been started")
        return self._engine


def _tenant_session(engine: AsyncEngine, tenant_id: str, *, writes: bool) -> AsyncSession:
    if not tenant_id:
        raise ValueError("a transaction needs a tenant")
    return AsyncSession(
        engine,
        sync_session_class=TenantSession,
        expire_on_commit=False,
        info={_TENANT: tenant_id, _WRITES: writes},
    )


@asynccontextmanager
async def _begun(session: AsyncSession, timeout_s: float | None) -> AsyncIterator[None]:
    timeout = asyncio.timeout(timeout_s)
    try:
        with _translated():
            async with timeout, session, session.begin():
                yield
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise _unavailable("the transaction took too long") from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlalchemy_errors.TimeoutError as error:
        raise _unavailable("no connection became free") from error
    except sqlalchemy_errors.DataError as error:
        raise InvalidInputError(
            "value_not_storable", "A value is too long or has characters that cannot be stored."
        ) from error
    except sqlalchemy_errors.DBAPIError as error:
        if not (isinstance(error, _NOT_ANSWERING) or error.connection_invalidated):
            raise
        # The driver's own words: SQLAlchemy's would add the statement and its values.
        raise _unavailable(str(error.orig)) from error


def _unavailable(reason: str) -> DependencyUnavailableError:
    log.warning("database_failed", reason=reason)
    return DependencyUnavailableError(
        "database_unavailable", "The database is not answering.", retry_after_s=1
    )
