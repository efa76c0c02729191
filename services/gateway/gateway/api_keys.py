"""API keys: made, shown once, recognised by a hash, ended."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from clientsphere_common.errors import NotFoundError, UnauthenticatedError
from clientsphere_common.request import Caller
from gateway.key_format import PREFIX, key_parts, new_key
from gateway.key_usage import KeyUsage
from gateway.model.tenancy import ApiKey, IssuedKey
from gateway.permissions import Role, require_management_of
from gateway.ports import ApiKeyStore
from gateway.times import from_unix_ms

_REMEMBERED_S = 5.0
_REMEMBERED_KEYS = 4096


class KeyMint:
    """Makes keys and recognises them; `pepper` is the secret without which hashes say nothing."""

    def __init__(self, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._clock = clock

    def issue(
        self, tenant_id: str, name: str, role: Role, lifetime: timedelta | None = None
    ) -> IssuedKey:
        """A key that exists nowhere yet. Without `lifetime` it never expires."""
        key = new_key()
        lookup_id, secret = key_parts(key)
        now = self.now()
        record = ApiKey(
            id=f"key_{lookup_id}",
            tenant_id=tenant_id,
            name=name,
            role=role,
            prefix=f"{PREFIX}{lookup_id}",
            secret_hash=self._hash(secret),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        return IssuedKey(record, key)

    def is_secret_of(self, record: ApiKey | None, secret: str) -> bool:
        """Takes as long for a record that does not exist as for one that does."""
        expected = bytes(hashlib.sha256().digest_size) if record is None else record.secret_hash
        return hmac.compare_digest(self._hash(secret), expected) and record is not None

    def now(self) -> datetime:
        """In whole milliseconds, as the tables keep it."""
        return from_unix_ms(int(self._clock() * 1000))

    def _hash(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode(), "sha256")


class ApiKeys:
    """The keys of all tenants.

    Records are remembered for five seconds, so that is how long a key that another process
    revoked may live on; what this process revokes ends at once.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        mint: KeyMint,
        usage: KeyUsage,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._mint = mint
        self._usage = usage
        self._monotonic = monotonic
        self._remembered: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()

    async def authenticate(self, key: str) -> Caller:
        """The principal that holds `key`. Raises UnauthenticatedError."""
        lookup_id, secret = key_parts(key)
        record = await self._find(f"key_{lookup_id}")
        if not self._mint.is_secret_of(record, secret) or record is None:
            raise UnauthenticatedError("api_key_invalid", "This is not a valid API key.")
        return self._alive(record).caller

    async def principal(self, tenant_id: str, key_id: str) -> Caller:
        """The principal of that key, which must still be alive. Raises UnauthenticatedError."""
        record = await self._find(key_id)
        if record is None or record.tenant_id != tenant_id:
            raise UnauthenticatedError("principal_unknown", "Its holder does not exist any more.")
        return self._alive(record).caller

    async def get(self, caller: Caller, key_id: str) -> ApiKey:
        """Raises NotFoundError for keys of other tenants too."""
        record = await self._find(key_id)
        if record is None or record.tenant_id != caller.tenant_id:
            raise NotFoundError("api_key_not_found", "There is no such API key.")
        return record

    async def create(
        self, caller: Caller, name: str, role: Role, lifetime: timedelta | None
    ) -> IssuedKey:
        """Raises PermissionDeniedError for a role above the caller's own."""
        require_management_of(role, caller.roles)
        issued = self._mint.issue(caller.tenant_id, name, role, lifetime)
        await self._store.add(caller, issued.record)
        return issued

    async def list_all(self, caller: Caller) -> Sequence[ApiKey]:
        return await self._store.list_all(caller.tenant_id)

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """Raises NotFoundError, PermissionDeniedError, ConflictError for the last owner's key."""
        record = await self.get(caller, key_id)
        require_management_of(record.role, caller.roles)
        revoked = await self._store.revoke(caller, key_id, self._mint.now())
        self._remember(revoked)

    def _alive(self, record: ApiKey) -> ApiKey:
        now = self._mint.now()
        if record.revoked_at is not None:
            raise UnauthenticatedError("api_key_revoked", "The API key has been revoked.")
        if record.expires_at is not None and now >= record.expires_at:
            raise UnauthenticatedError("api_key_expired", "The API key has expired.")
        self._usage.note(record.id, now)
        return record

    async def _find(self, key_id: str) -> ApiKey | None:
        known = self._recall(key_id)
        if known is not None:
            return known
        found = await self._store.find(key_id)
        if found is None:
            return None
        # While this one looked, the key may have been revoked: what was remembered since wins.
        newer = self._recall(key_id)
        if newer is None:
            self._remember(found)
        return newer or found

    def _recall(self, key_id: str) -> ApiKey | None:
        forgotten_at, record = self._remembered.get(key_id, (0.0, None))
        return record if self._monotonic() < forgotten_at else None

    def _remember(self, record: ApiKey) -> None:
        self._remembered[record.id] = (self._monotonic() + _REMEMBERED_S, record)
        self._remembered.move_to_end(record.id)
        if len(self._remembered) > _REMEMBERED_KEYS:
            self._remembered.popitem(last=False)
