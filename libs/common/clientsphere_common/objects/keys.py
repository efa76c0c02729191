"""Which words are object keys, the same in every store, and how the services make theirs."""

from __future__ import annotations

import re

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def checked_key(key: str) -> str:
    """`key` itself. Raises ValueError unless it keeps to the form that ObjectStore describes."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not an object key: {key!r}")
    return key


def tenant_key(tenant_id: str, name: str) -> str:
    """The key of an object of that tenant. Raises ValueError for what would be of another one."""
    if "/" in tenant_id:
        raise ValueError(f"no tenant: {tenant_id!r}")
    return checked_key(f"{tenant_id}/{name}")


def tenant_of(key: str) -> str:
    """Whose object it is."""
    return key.partition("/")[0]
