"""What the operator changed of tenants' limits, as rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition, version_of
from gateway.adapters.tables import ChangedLimitRow, OutboxRow, TenantRow
from gateway.limit_rules import LimitName, LimitRule, LimitRules
from gateway.tenants import OPERATOR


class SqlLimits:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def all_changes(self) -> Mapping[str, LimitRules]:
        of_tenants: dict[str, list[ChangedLimitRow]] = defaultdict(list)
        try:
            async with self._database.system_snapshot() as session:
                for row in await session.scalars(select(ChangedLimitRow)):
                    of_tenants[row.tenant_id].append(row)
        except ProgrammingError as error:
            # New code may start before its migration has run, and this is read at the start.
            raise DependencyUnavailableError(
                "database_not_migrated",
                "The tables have not been migrated yet: run `clientsphere migrate`.",
            ) from error
        return {tenant_id: _rules(rows) for tenant_id, rows in of_tenants.items()}

    async def changes_of(self, tenant_id: str) -> LimitRules:
        async with self._database.snapshot(tenant_id) as session:
            await _require_tenant(session, tenant_id)
            return _rules(await session.scalars(select(ChangedLimitRow)))

    async def change(
        self, tenant_id: str, changes: LimitRules, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        fact = AuditFact("tenant.limits_changed", "tenant", tenant_id, details=_details(changes))
        async with self._database.transaction(tenant_id) as session:
            await _require_tenant(session, tenant_id)
            before = _rules(await session.scalars(select(ChangedLimitRow)))
            if changes != before:
                only_if.require(version_of(before))
            await session.execute(delete(ChangedLimitRow))
            session.add_all(_row(name, rule) for name, rule in changes.items())
            add_to_outbox(session, OutboxRow, audit_event(Caller(tenant_id, OPERATOR), fact))
        self._relay.wake()


async def _require_tenant(session: AsyncSession, tenant_id: str) -> None:
    if await session.get(TenantRow, tenant_id) is None:
        raise NotFoundError("tenant_not_found", "There is no such tenant.")


def _row(name: LimitName, rule: LimitRule) -> ChangedLimitRow:
    return ChangedLimitRow(
        name=name.value, per_minute=rule.per_minute, burst=rule.burst, is_shadow=rule.shadow
    )


def _rules(rows: Iterable[ChangedLimitRow]) -> LimitRules:
    return {
        LimitName(row.name): LimitRule(row.per_minute, row.burst, row.is_shadow) for row in rows
    }


def _details(changes: LimitRules) -> dict[str, str]:
    return {
        name.value: f"{rule.per_minute} a minute, {rule.burst} at once"
        + (", shadow" if rule.shadow else "")
        for name, rule in changes.items()
    }
