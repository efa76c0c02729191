"""Entering, listing and removing the issuers of a tenant: the operator's business."""

from __future__ import annotations

from clientsphere_common.errors import NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.ports import TenantStore, TokenIssuerStore
from gateway.token_issuers.model import TokenIssuer
from gateway.token_issuers.registry import IssuerRegistry

_OPERATOR = "operator"


class IssuerRegistration:
    """Not open to tenants: the gateway fetches from these addresses, and an issuer that two
    tenants claim could let the one's people into the other.
    """

    def __init__(
        self, store: TokenIssuerStore, tenants: TenantStore, registry: IssuerRegistry
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._registry = registry

    async def register(self, issuer: TokenIssuer) -> TokenIssuer:
        """The entry as it is stored.

        Raises NotFoundError without the tenant, ConflictError where tokens would be for two.
        """
        await self._require(issuer.tenant_id)
        stored = await self._store.add(Caller(issuer.tenant_id, _OPERATOR), issuer)
        self._registry.forget()
        return stored

    async def page(self, tenant_id: str, wish: PageWish) -> Page[TokenIssuer]:
        """Of one tenant, oldest first. Raises NotFoundError."""
        await self._require(tenant_id)
        return await self._store.page(tenant_id, wish)

    async def remove(self, tenant_id: str, issuer_id: str) -> None:
        """Its tokens end within five seconds everywhere, here at once. Raises NotFoundError."""
        await self._store.remove(Caller(tenant_id, _OPERATOR), issuer_id)
        self._registry.forget()

    async def _require(self, tenant_id: str) -> None:
        if await self._tenants.find(tenant_id) is None:
            raise NotFoundError("tenant_not_found", "There is no such tenant.")
