"""Roles: those that every tenant has, and those that a tenant makes of permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from clientsphere_common.access.model import Role
from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.idempotency.attempt import repeatable_id
from gateway.model.tenancy import CustomRole
from gateway.permissions import require_all
from gateway.ports import RoleStore
from gateway.remembered import Remembered


class Roles:
    """What the roles of all tenants permit.

    A role that another process changed or deleted is known here as it was for up to four seconds.
    """

    def __init__(
        self,
        store: RoleStore,
        now: Callable[[], datetime],
        remembered: Remembered[CustomRole],
    ) -> None:
        self._store = store
        self._now = now
        self._remembered = remembered

    async def permissions_of(self, tenant_id: str, roles: Iterable[str]) -> frozenset[str]:
        """Everything that any of `roles` permits; a role that there is not permits nothing."""
        permissions: frozenset[str] = frozenset()
        for role in roles:
            if role in ROLE_PERMISSIONS:
                permissions |= ROLE_PERMISSIONS[Role(role)]
                continue
            found = await self._find(tenant_id, role)
            permissions |= found.permissions if found else frozenset()
        return permissions

    async def current(self, caller: Caller, role: str) -> frozenset[str]:
        """What `role` permits as the tables have it now. Raises NotFoundError."""
        if role in ROLE_PERMISSIONS:
            return frozenset(ROLE_PERMISSIONS[Role(role)])
        return (await self._own(caller, role)).permissions

    async def page(self, caller: Caller, wish: PageWish) -> Page[CustomRole]:
        """Of the tenant's own, oldest first."""
        return await self._store.page(caller.tenant_id, wish)

    async def get(self, caller: Caller, role_id: str) -> CustomRole:
        """Raises NotFoundError."""
        return await self._own(caller, role_id)

    async def create(self, caller: Caller, name: str, permissions: frozenset[str]) -> CustomRole:
        """Raises PermissionDeniedError for more than the caller may do, ConflictError for a name
        that is taken."""
        _refuse_built_in(name)
        require_all(caller, permissions)
        now = self._now()
        role_id = repeatable_id("role")
        role = CustomRole(role_id, caller.tenant_id, name, permissions, now, now)
        return await self._store.add(caller, role)

    async def update(
        self,
        caller: Caller,
        role_id: str,
        name: str,
        permissions: frozenset[str],
        only_if: Precondition = UNCONDITIONAL,
    ) -> CustomRole:
        """As `create`; what the role permitted before must not be above the caller either."""
        _refuse_built_in(name)
        before = await self._own(caller, role_id)
        require_all(caller, before.permissions | permissions)
        wanted = replace(before, name=name, permissions=permissions, updated_at=self._now())
        role = await self._store.update(caller, wanted, only_if)
        self._remembered.replace(_key(role.tenant_id, role.id), role)
        return role

    async def delete(
        self, caller: Caller, role_id: str, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        """Raises ConflictError while a key that is alive has it."""
        before = await self._own(caller, role_id)
        require_all(caller, before.permissions)
        await self._store.delete(caller, role_id, self._now(), only_if)
        gone = replace(before, permissions=frozenset())
        self._remembered.replace(_key(before.tenant_id, before.id), gone)

    async def _own(self, caller: Caller, role_id: str) -> CustomRole:
        """Not a remembered one: it would let somebody hand on more than they have."""
        found = await self._store.find(caller.tenant_id, role_id)
        if found is None:
            raise NotFoundError("role_not_found", "There is no such role.")
        return found

    async def _find(self, tenant_id: str, role_id: str) -> CustomRole | None:
        return await self._remembered.find(
            _key(tenant_id, role_id), lambda: self._store.find(tenant_id, role_id)
        )


def _key(tenant_id: str, role_id: str) -> str:
    return f"{tenant_id}/{role_id}"


def _refuse_built_in(name: str) -> None:
    if name.lower() in ROLE_PERMISSIONS:
        raise ConflictError("role_exists", f"There is a role named {name!r} already.")
