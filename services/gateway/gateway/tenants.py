"""Tenants: made by the operator of the platform, each with the key of its first owner."""

from __future__ import annotations

from dataclasses import replace

from clientsphere_common.access.model import Role
from clientsphere_common.errors import NotFoundError
from clientsphere_common.request import Caller
from gateway.idempotency.attempt import repeatable_id
from gateway.key_mint import KeyMint
from gateway.model.tenancy import KeyWish, NewTenant, Tenant
from gateway.ports import TenantStore

OPERATOR = "operator"
"""Who the audit trail says it was."""
_OWNER_KEY_NAME = "owner"


class Tenants:
    def __init__(self, store: TenantStore, mint: KeyMint) -> None:
        self._store = store
        self._mint = mint

    async def create(self, name: str) -> NewTenant:
        tenant_id = repeatable_id("tnt")
        new = NewTenant(
            tenant=Tenant(tenant_id, name, self._mint.now()),
            owner_key=self._mint.issue(tenant_id, KeyWish(_OWNER_KEY_NAME, Role.OWNER.value)),
        )
        stored = await self._store.add(new, created_by=Caller(tenant_id, OPERATOR))
        return replace(new, tenant=stored)

    async def own(self, caller: Caller) -> Tenant:
        """The caller's tenant."""
        tenant = await self._store.find(caller.tenant_id)
        if tenant is None:
            raise NotFoundError("tenant_not_found", "There is no such tenant.")
        return tenant
