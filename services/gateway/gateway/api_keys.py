"""API keys: made, shown once, recognised by a hash, replaced, ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from clientsphere_common.errors import (
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.key_format import key_parts
from gateway.key_mint import KeyMint
from gateway.key_usage import KeyUsage
from gateway.model.tenancy import ApiKey, IssuedKey, KeyChoice, KeyWish
from gateway.networks import is_no_wider, is_within
from gateway.permissions import require_management_of
from gateway.ports import ApiKeyStore
from gateway.remembered import Remembered
from gateway.roles import Roles


class ApiKeys:
    """The keys of all tenants.

    A key that another process revoked or rotated may be known here as it was for four seconds;
    what this process does to a key holds at once.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        mint: KeyMint,
        usage: KeyUsage,
        roles: Roles,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._mint = mint
        self._usage = usage
        self._roles = roles
        self._remembered: Remembered[ApiKey] = Remembered(monotonic)

    async def authenticate(self, key: str, address: str) -> Caller:
        """The principal that holds `key` and asks from `address`.

        Raises UnauthenticatedError, PermissionDeniedError for an address that it may not use.
        """
        lookup_id, secret = key_parts(key)
        record = await self._find(f"key_{lookup_id}")
        if not self._mint.is_secret_of(record, secret) or record is None:
            raise UnauthenticatedError("api_key_invalid", "This is not a valid API key.")
        return await self._admitted(record, address)

    async def principal(self, tenant_id: str, key_id: str, address: str) -> Caller:
        """The principal of that key, which must still be alive. Raises as `authenticate`."""
        record = await self._find(key_id)
        if record is None or record.tenant_id != tenant_id:
            raise UnauthenticatedError("principal_unknown", "Its holder does not exist any more.")
        return await self._admitted(record, address)

    async def get(self, caller: Caller, key_id: str) -> ApiKey:
        """Raises NotFoundError for keys of other tenants too, and takes as long for them."""
        record = self._remembered.recall(key_id)
        if record is None or record.tenant_id != caller.tenant_id:
            # Asked of the tables even where another tenant's key is known: the time that it takes
            # would tell that there is such a key.
            record = await self._store.find_own(caller.tenant_id, key_id)
        if record is None:
            raise NotFoundError("api_key_not_found", "There is no such API key.")
        return record

    async def create(self, caller: Caller, wish: KeyWish) -> IssuedKey:
        """Raises PermissionDeniedError for a key that could do more than the caller."""
        of_role = await self._roles.current(caller, wish.role)
        beyond = sorted((wish.scopes or frozenset()) - of_role)
        if beyond:
            raise InvalidInputError(
                "scope_beyond_role", f"The role does not have the permission {beyond[0]}."
            )
        issued = self._mint.issue(caller.tenant_id, wish)
        require_management_of(caller, wish.role, issued.record.permissions(of_role))
        await self._require_no_wider(caller, wish.networks)
        return IssuedKey(await self._store.add(caller, issued.record), issued.key)

    async def page(self, caller: Caller, choice: KeyChoice, wish: PageWish) -> Page[ApiKey]:
        """Oldest first."""
        return await self._store.page(caller.tenant_id, choice, self._mint.now(), wish)

    async def rotate(self, caller: Caller, key_id: str, overlap: timedelta) -> IssuedKey:
        """A new text of the key; the one before it is good for `overlap` more.

        At most two are good at a time: one from before the last rotation ends at once. Raises
        NotFoundError, PermissionDeniedError, ConflictError for a key that has ended.
        """
        record = await self._managed(caller, key_id)
        key, secret = self._mint.next_secret(record, overlap)
        rotated = await self._store.rotate(caller, key_id, secret)
        self._remembered.replace(key_id, rotated)
        return IssuedKey(rotated, key)

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """Raises NotFoundError, PermissionDeniedError, ConflictError for the last owner's key."""
        await self._managed(caller, key_id)
        revoked = await self._store.revoke(caller, key_id, self._mint.now())
        self._remembered.replace(key_id, revoked)

    async def _managed(self, caller: Caller, key_id: str) -> ApiKey:
        record = await self.get(caller, key_id)
        of_role = await self._roles.permissions_of(record.tenant_id, (record.role,))
        require_management_of(caller, record.role, record.permissions(of_role))
        await self._require_no_wider(caller, record.networks)
        return record

    async def _require_no_wider(self, caller: Caller, networks: Sequence[str]) -> None:
        """Or a key that is bound to a network would be the way to one that is not."""
        own = await self._find(caller.principal_id)
        if own is not None and not is_no_wider(networks, own.networks):
            raise PermissionDeniedError(
                "networks_above_own", "The key could be used where your own may not."
            )

    async def _admitted(self, record: ApiKey, address: str) -> Caller:
        now = self._mint.now()
        if record.revoked_at is not None:
            raise UnauthenticatedError("api_key_revoked", "The API key has been revoked.")
        if record.expires_at is not None and now >= record.expires_at:
            raise UnauthenticatedError("api_key_expired", "The API key has expired.")
        if record.networks and not is_within(record.networks, address):
            raise PermissionDeniedError(
                "network_not_allowed", "The API key may not be used from this network."
            )
        of_role = await self._roles.permissions_of(record.tenant_id, (record.role,))
        self._usage.note(record.id, now)
        return record.caller(of_role)

    async def _find(self, key_id: str) -> ApiKey | None:
        return await self._remembered.find(key_id, lambda: self._store.find(key_id))
