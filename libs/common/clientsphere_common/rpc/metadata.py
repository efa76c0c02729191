"""The names under which a call carries its caller, its trace and its failure."""

from __future__ import annotations

from collections.abc import Iterable

CONTEXT_KEY = "clientsphere-context-bin"
ERROR_KEY = "clientsphere-error-bin"
REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

Metadata = tuple[tuple[str, str | bytes], ...]


def text_value(metadata: Iterable[tuple[str, str | bytes]] | None, key: str) -> str | None:
    """The first value of `key` when it is text."""
    for name, value in metadata or ():
        if name == key and isinstance(value, str):
            return value
    return None


def binary_value(metadata: Iterable[tuple[str, str | bytes]] | None, key: str) -> bytes:
    """The first value of `key`; empty when there is none."""
    for name, value in metadata or ():
        if name == key and isinstance(value, bytes):
            return value
    return b""
