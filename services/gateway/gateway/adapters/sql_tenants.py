"""Tenants as rows."""

from __future__ import annotations

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.request import Caller
from gateway.adapters.sql_api_keys import api_key_created, to_row
from gateway.adapters.tables import OutboxRow, TenantRow
from gateway.model.tenancy import NewTenant, Tenant
from gateway.times import from_unix_ms, to_unix_ms


class SqlTenants:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def add(self, new: NewTenant, created_by: Caller) -> Tenant:
        tenant, key = new.tenant, new.owner_key.record
        fact = AuditFact("tenant.created", "tenant", tenant.id, details={"name": tenant.name})
        async with self._database.transaction(tenant.id) as session:
            made_before = await session.get(TenantRow, tenant.id)
            if made_before is not None:
                return _to_model(made_before)
            session.add(
                TenantRow(
                    id=tenant.id, name=tenant.name, created_at_ms=to_unix_ms(tenant.created_at)
                )
            )
            # The key refers to the tenant, which must be there first.
            await session.flush()
            session.add(to_row(key))
            add_to_outbox(session, OutboxRow, audit_event(created_by, fact))
            add_to_outbox(session, OutboxRow, audit_event(created_by, api_key_created(key)))
        self._relay.wake()
        return tenant

    async def find(self, tenant_id: str) -> Tenant | None:
        async with self._database.snapshot(tenant_id) as session:
            row = await session.get(TenantRow, tenant_id)
        return None if row is None else _to_model(row)


def _to_model(row: TenantRow) -> Tenant:
    return Tenant(row.id, row.name, from_unix_ms(row.created_at_ms))
