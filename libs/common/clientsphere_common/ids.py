"""Ids that say what they name, and that nobody can guess."""

from __future__ import annotations

import secrets
import uuid

_NAMESPACE = uuid.UUID("6f0c9c0e-4b6b-5a0f-9b8e-2f2f6f0b7a11")
_RANDOM_BYTES = 16


def new_id(prefix: str) -> str:
    """A random id such as `doc_3f9a...`: the prefix, an underscore and 128 random bits in hex."""
    return f"{prefix}_{secrets.token_hex(_RANDOM_BYTES)}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always: what makes a repeated step find its first try."""
    return f"{prefix}_{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).hex}"
