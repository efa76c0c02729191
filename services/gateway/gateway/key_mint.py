"""Makes the secrets of API keys, and recognises them by hashes that say nothing by themselves."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.idempotency.attempt import repeatable_bytes
from gateway.key_format import PREFIX, key_parts, new_key, new_lookup_id
from gateway.model.tenancy import ApiKey, IssuedKey, KeyWish, NewSecret
from gateway.times import from_unix_ms

_NO_HASH = bytes(hashlib.sha256().digest_size)


class KeyMint:
    """Hashes are HMAC-SHA-256 under `pepper`: the tables alone do not let anybody try secrets."""

    def __init__(self, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._clock = clock

    def issue(self, tenant_id: str, wish: KeyWish) -> IssuedKey:
        """A key that exists nowhere yet, unless a request is repeated: then it is the same one."""
        lookup_id, now = new_lookup_id(repeatable_bytes("API key id")), self.now()
        key = new_key(lookup_id, repeatable_bytes("API key"))
        record = ApiKey(
            id=f"key_{lookup_id}",
            tenant_id=tenant_id,
            name=wish.name,
            role=wish.role,
            prefix=f"{PREFIX}{lookup_id}",
            secret_hash=self._hash_of(key),
            created_at=now,
            scopes=wish.scopes,
            networks=wish.networks,
            expires_at=None if wish.lifetime is None else now + wish.lifetime,
        )
        return IssuedKey(record, key)

    def next_secret(self, record: ApiKey, overlap: timedelta) -> tuple[str, NewSecret]:
        """Another text of the same key, and what is stored of it. Repeatable as `issue`."""
        lookup_id, now = record.prefix.removeprefix(PREFIX), self.now()
        key = new_key(lookup_id, repeatable_bytes("API key"))
        return key, NewSecret(self._hash_of(key), now, now + overlap)

    def is_secret_of(self, record: ApiKey | None, secret: str) -> bool:
        """Takes as long for a record that does not exist as for one that does."""
        current = previous = None
        if record is not None:
            current = record.secret_hash
            ends_at = record.previous_secret_expires_at
            if ends_at is not None and self.now() < ends_at:
                previous = record.previous_secret_hash
        actual = self._hash(secret)
        is_current = hmac.compare_digest(actual, current or _NO_HASH)
        is_previous = hmac.compare_digest(actual, previous or _NO_HASH)
        return is_current or is_previous

    def now(self) -> datetime:
        """In whole milliseconds, as the tables keep it."""
        return from_unix_ms(int(self._clock() * 1000))

    def _hash_of(self, key: str) -> bytes:
        _, secret = key_parts(key)
        return self._hash(secret)

    def _hash(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode(), "sha256")
