"""The limits of each tenant: those of all, with what the operator changed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from clientsphere_common.errors import ServiceError
from clientsphere_common.rate_limits.model import Limit
from clientsphere_common.repeating import Repeating
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.limit_rules import LimitName, LimitRules, limits_of
from gateway.ports import LimitStore

log = structlog.get_logger(__name__)

_REFRESH_INTERVAL_S = 3.0


class TenantLimits:
    """A module that keeps in memory what is in the tables, at most five seconds old.

    What this process changes counts at once. While the tables are away, what was read last goes
    on to count.
    """

    name = "tenant limits"

    def __init__(
        self,
        store: LimitStore,
        rules: LimitRules,
        pause_s: Callable[[], float] = lambda: _REFRESH_INTERVAL_S,
    ) -> None:
        self._store = store
        self._rules = rules
        self._common = limits_of(rules)
        self._changes: Mapping[str, LimitRules] = {}
        self._changed: Mapping[str, Mapping[LimitName, Limit]] = {}
        self._refreshing = Repeating(self.refresh, pause_s)

    async def start(self) -> None:
        await self.refresh()
        self._refreshing.start()

    async def watch(self) -> None:
        await self._refreshing.watch()

    async def stop(self) -> None:
        await self._refreshing.stop()

    def limits_for(self, tenant_id: str) -> Mapping[LimitName, Limit]:
        return self._changed.get(tenant_id, self._common)

    async def refresh(self) -> None:
        try:
            self._know(await self._store.all_changes())
        except ServiceError as error:
            log.warning("tenant_limits_not_refreshed", code=error.code)

    async def changes_of(self, tenant_id: str) -> LimitRules:
        """What differs for the tenant. Raises NotFoundError."""
        return await self._store.changes_of(tenant_id)

    async def change(
        self, tenant_id: str, changes: LimitRules, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        """Have exactly `changes` differ for the tenant.

        Raises NotFoundError, PreconditionFailedError.
        """
        await self._store.change(tenant_id, changes, only_if)
        self._know({**self._changes, tenant_id: changes})

    def _know(self, changes: Mapping[str, LimitRules]) -> None:
        self._changes = changes
        self._changed = {
            tenant_id: limits_of(self._rules, rules) for tenant_id, rules in changes.items()
        }
