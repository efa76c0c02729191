"""Sessions as rows. Found across tenants: a session is what tells its tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.tables import OutboxRow, SessionRow
from gateway.browser_sign_in.failures import sign_in_not_found
from gateway.browser_sign_in.model import BrowserSession, Living
from gateway.times import from_unix_ms, to_unix_ms


class SqlSessions:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def add(self, session: BrowserSession) -> None:
        expired = SessionRow.expires_at_ms <= to_unix_ms(session.created_at)
        details = {"token_issuer": session.issuer_id, "roles": " ".join(session.roles)}
        fact = AuditFact("user.signed_in", "session", session.id, details=details)
        caller = Caller(session.tenant_id, session.principal_id)
        try:
            async with self._database.transaction(session.tenant_id) as transaction:
                await transaction.execute(delete(SessionRow).where(expired))
                transaction.add(_to_row(session))
                add_to_outbox(transaction, OutboxRow, audit_event(caller, fact))
        except IntegrityError as error:
            # Its issuer was removed since we looked.
            raise sign_in_not_found() from error
        self._relay.wake()

    async def find(self, secret_digest: bytes) -> BrowserSession | None:
        query = select(SessionRow).where(SessionRow.secret_digest == secret_digest)
        async with self._database.system_snapshot() as transaction:
            row = await transaction.scalar(query)
        return None if row is None else _to_model(row)

    async def find_own(self, tenant_id: str, session_id: str) -> BrowserSession | None:
        async with self._database.snapshot(tenant_id) as transaction:
            row = await transaction.get(SessionRow, session_id)
        return None if row is None else _to_model(row)

    async def page(self, tenant_id: str, living: Living, wish: PageWish) -> Page[BrowserSession]:
        statement = select(SessionRow).where(
            SessionRow.expires_at_ms > to_unix_ms(living.ends_after),
            SessionRow.last_used_at_ms > to_unix_ms(living.used_after),
        )
        listing = Listing(SessionRow, ("sessions", tenant_id), newest_first=True)
        async with self._database.snapshot(tenant_id) as transaction:
            page = await read_page(transaction, statement, listing, wish)
        return page.of(lambda row: _to_model(row[0]))

    async def end(self, session: BrowserSession, ended_by: str) -> None:
        is_own = ended_by == session.principal_id
        action = "user.signed_out" if is_own else "session.revoked"
        async with self._database.transaction(session.tenant_id) as transaction:
            row = await transaction.get(SessionRow, session.id)
            if row is None:
                return
            await transaction.delete(row)
            fact = AuditFact(action, "session", session.id, details={"user": row.principal_id})
            caller = Caller(session.tenant_id, ended_by)
            add_to_outbox(transaction, OutboxRow, audit_event(caller, fact))
        self._relay.wake()

    async def mark_used(self, used_at: Mapping[str, datetime]) -> None:
        async with self._database.system_transaction() as transaction:
            # In one order everywhere: two gateways must not wait for each other's rows.
            for session_id, at in sorted(used_at.items()):
                at_ms = to_unix_ms(at)
                await transaction.execute(
                    update(SessionRow)
                    .where(SessionRow.id == session_id, SessionRow.last_used_at_ms < at_ms)
                    .values(last_used_at_ms=at_ms)
                )


def _to_row(session: BrowserSession) -> SessionRow:
    return SessionRow(
        id=session.id,
        tenant_id=session.tenant_id,
        issuer_id=session.issuer_id,
        principal_id=session.principal_id,
        roles=list(session.roles),
        groups=list(session.groups),
        secret_digest=session.secret_digest,
        created_at_ms=to_unix_ms(session.created_at),
        last_used_at_ms=to_unix_ms(session.last_used_at),
        expires_at_ms=to_unix_ms(session.expires_at),
    )


def _to_model(row: SessionRow) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        tenant_id=row.tenant_id,
        issuer_id=row.issuer_id,
        principal_id=row.principal_id,
        roles=tuple(row.roles),
        groups=tuple(row.groups),
        secret_digest=row.secret_digest,
        created_at=from_unix_ms(row.created_at_ms),
        last_used_at=from_unix_ms(row.last_used_at_ms),
        expires_at=from_unix_ms(row.expires_at_ms),
    )
