"""API keys as rows. The one place that reads across tenants: a key is what tells the tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.access.model import Role
from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.db.text_match import holds
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.sql_idempotency import is_first_effect
from gateway.adapters.tables import ApiKeyRow, OutboxRow, RoleRow
from gateway.model.tenancy import ApiKey, KeyChoice, KeyState, NewSecret
from gateway.times import from_unix_ms, to_unix_ms


class SqlApiKeys:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def find(self, key_id: str) -> ApiKey | None:
        async with self._database.system_snapshot() as session:
            row = await session.get(ApiKeyRow, key_id)
        return None if row is None else _to_model(row)

    async def find_own(self, tenant_id: str, key_id: str) -> ApiKey | None:
        async with self._database.snapshot(tenant_id) as session:
            row = await session.get(ApiKeyRow, key_id)
        return None if row is None else _to_model(row)

    async def add(self, caller: Caller, key: ApiKey) -> ApiKey:
        async with self._database.transaction(caller.tenant_id) as session:
            if not await is_first_effect(session):
                return _to_model(await _own_row(session, key.id))
            if key.role not in list(Role) and await session.get(RoleRow, key.role) is None:
                raise NotFoundError("role_not_found", "There is no such role.")
            session.add(to_row(key))
            add_to_outbox(session, OutboxRow, audit_event(caller, api_key_created(key)))
        self._relay.wake()
        return key

    async def page(
        self, tenant_id: str, choice: KeyChoice, at: datetime, wish: PageWish
    ) -> Page[ApiKey]:
        query = ("api_keys", tenant_id, ",".join(sorted(choice.states)), choice.name_piece)
        statement = select(ApiKeyRow).where(*_chosen(choice, to_unix_ms(at)))
        async with self._database.snapshot(tenant_id) as session:
            page = await read_page(session, statement, Listing(ApiKeyRow, query), wish)
        return page.of(lambda row: _to_model(row[0]))

    async def rotate(self, caller: Caller, key_id: str, secret: NewSecret) -> ApiKey:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, key_id)
            if not await is_first_effect(session):
                return _to_model(row)
            if not _is_alive(row, to_unix_ms(secret.rotated_at)):
                raise ConflictError("api_key_ended", "The API key has expired or was revoked.")
            row.previous_secret_hash = row.secret_hash
            row.previous_secret_expires_at_ms = to_unix_ms(secret.previous_expires_at)
            row.secret_hash = secret.secret_hash
            until = {"previous_secret_expires_at": secret.previous_expires_at.isoformat()}
            fact = AuditFact("api_key.rotated", "api_key", key_id, details=until)
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()
        return _to_model(row)

    async def revoke(self, caller: Caller, key_id: str, at: datetime) -> ApiKey:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, key_id)
            if row.revoked_at_ms is None:
                await _refuse_if_last_owner(session, row, to_unix_ms(at))
                row.revoked_at_ms = to_unix_ms(at)
                fact = AuditFact("api_key.revoked", "api_key", key_id)
                add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()
        return _to_model(row)

    async def mark_used(self, used_at: Mapping[str, datetime]) -> None:
        async with self._database.system_transaction() as session:
            # In one order everywhere: two gateways must not wait for each other's rows.
            for key_id, at in sorted(used_at.items()):
                at_ms = to_unix_ms(at)
                before = ApiKeyRow.last_used_at_ms
                await session.execute(
                    update(ApiKeyRow)
                    .where(ApiKeyRow.id == key_id, or_(before.is_(None), before < at_ms))
                    .values(last_used_at_ms=at_ms)
                )


def api_key_created(key: ApiKey) -> AuditFact:
    details = {"name": key.name, "role": key.role}
    if key.scopes is not None:
        details["scopes"] = " ".join(sorted(key.scopes))
    if key.networks:
        details["networks"] = " ".join(key.networks)
    if key.expires_at is not None:
        details["expires_at"] = key.expires_at.isoformat()
    return AuditFact("api_key.created", "api_key", key.id, details=details)


def _is_alive(row: ApiKeyRow, at_ms: int) -> bool:
    return row.revoked_at_ms is None and (row.expires_at_ms is None or row.expires_at_ms > at_ms)


def alive(at_ms: int) -> ColumnElement[bool]:
    """As `_is_alive`, for the rows of a query."""
    expires_at_ms = ApiKeyRow.expires_at_ms
    return and_(
        ApiKeyRow.revoked_at_ms.is_(None), or_(expires_at_ms.is_(None), expires_at_ms > at_ms)
    )


def _chosen(choice: KeyChoice, at_ms: int) -> Iterator[ColumnElement[bool]]:
    if choice.states:
        yield or_(*(_is_in(state, at_ms) for state in choice.states))
    if choice.name_piece:
        yield holds(ApiKeyRow.name, choice.name_piece)


def _is_in(state: KeyState, at_ms: int) -> ColumnElement[bool]:
    if state is KeyState.REVOKED:
        return ApiKeyRow.revoked_at_ms.is_not(None)
    if state is KeyState.EXPIRED:
        return and_(ApiKeyRow.revoked_at_ms.is_(None), ApiKeyRow.expires_at_ms <= at_ms)
    return alive(at_ms)


def to_row(key: ApiKey) -> ApiKeyRow:
    return ApiKeyRow(
        id=key.id,
        tenant_id=key.tenant_id,
        name=key.name,
        role=key.role,
        prefix=key.prefix,
        secret_hash=key.secret_hash,
        created_at_ms=to_unix_ms(key.created_at),
        scopes=None if key.scopes is None else sorted(key.scopes),
        networks=list(key.networks),
        expires_at_ms=None if key.expires_at is None else to_unix_ms(key.expires_at),
    )


async def _own_row(session: AsyncSession, key_id: str) -> ApiKeyRow:
    row = await session.get(ApiKeyRow, key_id)
    if row is None:
        raise NotFoundError("api_key_not_found", "There is no such API key.")
    return row


async def _refuse_if_last_owner(session: AsyncSession, row: ApiKeyRow, now_ms: int) -> None:
    """A key with scopes does not count: its holder could not make keys for everything again."""
    if row.role != Role.OWNER or row.scopes is not None:
        return
    other_owners = select(func.count(ApiKeyRow.id)).where(
        ApiKeyRow.role == Role.OWNER.value,
        ApiKeyRow.scopes.is_(None),
        ApiKeyRow.id != row.id,
        alive(now_ms),
    )
    if not await session.scalar(other_owners):
        raise ConflictError(
            "last_owner_key", "This is the last key of an owner: create another one first."
        )


def _to_model(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        role=row.role,
        prefix=row.prefix,
        secret_hash=row.secret_hash,
        created_at=from_unix_ms(row.created_at_ms),
        scopes=None if row.scopes is None else frozenset(row.scopes),
        networks=tuple(row.networks or ()),
        expires_at=_time(row.expires_at_ms),
        last_used_at=_time(row.last_used_at_ms),
        revoked_at=_time(row.revoked_at_ms),
        previous_secret_hash=row.previous_secret_hash,
        previous_secret_expires_at=_time(row.previous_secret_expires_at_ms),
    )


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_unix_ms(at_ms)
