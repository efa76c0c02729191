"""Sessions that see the rows of one tenant: the one place where tables apply the tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from sqlalchemy import String, event
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)

from clientsphere_common.db.engine import open_engine, read_only
from clientsphere_common.errors import DependencyUnavailableError

log = structlog.get_logger(__name__)

_TENANT = "tenant_id"
_NOT_ANSWERING = (
    sqlalchemy_errors.OperationalError,
    sqlalchemy_errors.InterfaceError,
    sqlalchemy_errors.TimeoutError,
)


class TenantScoped:
    """Mixin of every table whose rows belong to a tenant."""

    tenant_id: Mapped[str] = mapped_column(String(64), index=True)


class ForeignRowError(RuntimeError):
    """A session of one tenant was about to write another tenant's row: a bug, never a request."""


class TenantSession(Session):
    """Knows its tenant in `info["tenant_id"]` and adds it to all it reads and writes."""


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

    Writers take turns, so the block of a transaction must not begin another one. Every method
    raises DependencyUnavailableError when the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: AsyncEngine | None = None
        # First come, first served. SQLite alone would let each writer sleep and look again, the
        # unlucky ones for half a second.
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return "database"

    async def start(self) -> None:
        self._engine = open_engine(self._url)

    async def stop(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Read and write rows of `tenant_id` only; commits unless the block raises."""
        session = _tenant_session(self._opened(), tenant_id)
        async with self._turn, _begun(session):
            yield session

    @asynccontextmanager
    async def snapshot(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Read rows of `tenant_id` only, as they are now, without waiting for writers."""
        session = _tenant_session(read_only(self._opened()), tenant_id)
        async with _begun(session):
            yield session

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction over all tenants: for credentials, relays and sweeps only."""
        session = AsyncSession(self._opened(), expire_on_commit=False)
        async with self._turn, _begun(session):
            yield session

    @asynccontextmanager
    async def system_snapshot(self) -> AsyncIterator[AsyncSession]:
        """As `system_transaction`, but only to read, without waiting for writers."""
        session = AsyncSession(read_only(self._opened()), expire_on_commit=False)
        async with _begun(session):
            yield session

    async def check(self) -> None:
        """Raise unless the database answers."""
        with _translated():
            async with read_only(self._opened()).connect() as connection:
                await connection.exec_driver_sql("SELECT 1")

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the database has not been started")
        return self._engine


def _tenant_session(engine: AsyncEngine, tenant_id: str) -> AsyncSession:
    if not tenant_id:
        raise ValueError("a transaction needs a tenant")
    return AsyncSession(
        engine,
        sync_session_class=TenantSession,
        expire_on_commit=False,
        info={_TENANT: tenant_id},
    )


@asynccontextmanager
async def _begun(session: AsyncSession) -> AsyncIterator[None]:
    with _translated():
        async with session, session.begin():
            yield


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _NOT_ANSWERING as error:
        # The driver's own words: SQLAlchemy's would add the statement and its values.
        log.warning("database_failed", reason=str(getattr(error, "orig", error)))
        raise DependencyUnavailableError(
            "database_unavailable", "The database is not answering.", retry_after_s=1
        ) from error
