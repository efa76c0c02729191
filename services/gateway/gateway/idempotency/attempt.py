"""The request in hand as one attempt among perhaps several: what it makes is made once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from clientsphere_common.ids import derived_id, new_id
from gateway.idempotency.model import Claim
from gateway.idempotency.sealing import KeySecrets

_RANDOM_BYTES = 64


@dataclass(frozen=True)
class Attempt:
    claim: Claim
    secrets: KeySecrets

    @property
    def is_repeated(self) -> bool:
        """An earlier attempt may have had its effect already."""
        return self.claim.attempt > 1

    def derive(self, what: str) -> bytes:
        return self.secrets.derive(self.claim.seed, what)


_attempt: ContextVar[Attempt | None] = ContextVar("gateway_attempt", default=None)


@contextmanager
def acting(attempt: Attempt) -> Iterator[None]:
    """What is done within the block, and in tasks that it starts, belongs to this attempt."""
    outside = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(outside)


def current_attempt() -> Attempt | None:
    """None for a request without an idempotency key."""
    return _attempt.get()


def repeatable_id(prefix: str) -> str:
    """A new id of what the request in hand makes; each of its attempts gets the same one."""
    attempt = current_attempt()
    if attempt is None:
        return new_id(prefix)
    return derived_id(prefix, attempt.derive(prefix).hex())


def repeatable_bytes(what: str) -> bytes:
    """512 bits that nobody can guess; each attempt of the request in hand gets the same."""
    attempt = current_attempt()
    return secrets.token_bytes(_RANDOM_BYTES) if attempt is None else attempt.derive(what)
