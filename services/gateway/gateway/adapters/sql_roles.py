"""The roles that tenants made, as rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition, version_of
from gateway.adapters.sql_api_keys import alive
from gateway.adapters.sql_idempotency import is_first_effect
from gateway.adapters.tables import ApiKeyRow, OutboxRow, RoleRow
from gateway.model.tenancy import CustomRole
from gateway.times import from_unix_ms, to_unix_ms


class SqlRoles:
    """Writers of a tenant take turns, so what a block has read holds until it commits."""

    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def find(self, tenant_id: str, role_id: str) -> CustomRole | None:
        async with self._database.snapshot(tenant_id) as session:
            row = await session.get(RoleRow, role_id)
        return None if row is None else _to_model(row)

    async def page(self, tenant_id: str, wish: PageWish) -> Page[CustomRole]:
        listing = Listing(RoleRow, ("roles", tenant_id))
        async with self._database.snapshot(tenant_id) as session:
            page = await read_page(session, select(RoleRow), listing, wish)
        return page.of(lambda row: _to_model(row[0]))

    async def add(self, caller: Caller, role: CustomRole) -> CustomRole:
        async with self._database.transaction(caller.tenant_id) as session:
            if not await is_first_effect(session):
                return _to_model(await _own_row(session, role.id))
            await _refuse_taken_name(session, role)
            session.add(_to_row(role))
            _tell(session, caller, "role.created", role, added=role.permissions)
        self._relay.wake()
        return role

    async def update(
        self, caller: Caller, role: CustomRole, only_if: Precondition = UNCONDITIONAL
    ) -> CustomRole:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, role.id)
            if not await is_first_effect(session):
                return _to_model(row)
            only_if.require(version_of(_to_model(row)))
            await _refuse_taken_name(session, role)
            before = frozenset(row.permissions)
            row.name = role.name
            row.permissions = sorted(role.permissions)
            row.updated_at_ms = to_unix_ms(role.updated_at)
            added, removed = role.permissions - before, before - role.permissions
            _tell(session, caller, "role.updated", role, added=added, removed=removed)
        self._relay.wake()
        return role

    async def delete(
        self, caller: Caller, role_id: str, at: datetime, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await _own_row(session, role_id)
            role = _to_model(row)
            only_if.require(version_of(role))
            keys = select(func.count(ApiKeyRow.id)).where(
                ApiKeyRow.role == role_id, alive(to_unix_ms(at))
            )
            if await session.scalar(keys):
                raise ConflictError("role_in_use", "API keys have this role: revoke them first.")
            await session.delete(row)
            _tell(session, caller, "role.deleted", role, removed=role.permissions)
        self._relay.wake()


async def _own_row(session: AsyncSession, role_id: str) -> RoleRow:
    row = await session.get(RoleRow, role_id)
    if row is None:
        raise NotFoundError("role_not_found", "There is no such role.")
    return row


async def _refuse_taken_name(session: AsyncSession, role: CustomRole) -> None:
    others = select(func.count(RoleRow.id)).where(RoleRow.name == role.name, RoleRow.id != role.id)
    if await session.scalar(others):
        raise ConflictError("role_exists", f"There is a role named {role.name!r} already.")


def _tell(
    session: AsyncSession,
    caller: Caller,
    action: str,
    role: CustomRole,
    **changes: frozenset[str],
) -> None:
    details = {change: " ".join(sorted(names)) for change, names in changes.items() if names}
    fact = AuditFact(action, "role", role.id, details={"name": role.name, **details})
    add_to_outbox(session, OutboxRow, audit_event(caller, fact))


def _to_row(role: CustomRole) -> RoleRow:
    return RoleRow(
        id=role.id,
        tenant_id=role.tenant_id,
        name=role.name,
        permissions=sorted(role.permissions),
        created_at_ms=to_unix_ms(role.created_at),
        updated_at_ms=to_unix_ms(role.updated_at),
    )


def _to_model(row: RoleRow) -> CustomRole:
    return CustomRole(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        permissions=frozenset(row.permissions),
        created_at=from_unix_ms(row.created_at_ms),
        updated_at=from_unix_ms(row.updated_at_ms),
    )
