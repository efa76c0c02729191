"""Limits, what a request asks of them, and where it stands with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

_US_PER_S = 1_000_000
_US_PER_MINUTE = 60 * _US_PER_S


@dataclass(frozen=True)
class RateLimit:
    """In every window of T minutes at most burst + per_minute * T are admitted."""

    name: str
    per_minute: int
    burst: int
    is_shadow: bool = False
    """Counted and told, but nothing is refused for it."""

    @property
    def interval_us(self) -> int:
        """Between two that are admitted in the long run, rounded up: rounding admits no more."""
        return -(-_US_PER_MINUTE // self.per_minute)


@dataclass(frozen=True)
class ConcurrencyLimit:
    """At most `burst` at the same time."""

    name: str
    burst: int
    is_shadow: bool = False

    @property
    def interval_us(self) -> int:
        """Nobody knows when one of them ends: who is refused is asked to wait a second."""
        return _US_PER_S


Limit = RateLimit | ConcurrencyLimit


@dataclass(frozen=True)
class Bucket:
    """What a limit counts together: all requests of one tenant, of one address."""

    limit: Limit
    key: str
    amount: int = 1
    is_held: bool = False
    """Set aside until the claim is settled, and only what it used by then is charged."""

    @property
    def path(self) -> str:
        """The name under which adapters count; two buckets never share one."""
        return f"{quote(self.limit.name)}:{quote(self.key)}"

    @property
    def wanted(self) -> int:
        """No claim waits for more than the whole burst, which would never be there."""
        return min(self.amount, self.limit.burst)


@dataclass(frozen=True)
class Claim:
    """What one request asks for, all or nothing."""

    buckets: Sequence[Bucket]
    """All different."""
    id: str = ""
    """Of what is held; one that nobody else uses."""
    is_strict: bool = False
    """Counted together with all other processes, or refused."""


@dataclass(frozen=True)
class Settlement:
    """The end of what `claim_id` holds in `bucket`, and what it used.

    Of a bucket that is not held: what was counted elsewhere, up to the whole burst.
    """

    bucket: Bucket
    claim_id: str
    used: int = 0


@dataclass(frozen=True)
class Standing:
    """Where somebody stands with one limit after a request."""

    limit: Limit
    remaining: int
    """What would be admitted right now."""
    full_in_s: float
    """Until the whole burst is there again."""
    retry_after_s: float
    """0 when this limit admits the request."""

    @property
    def refuses(self) -> bool:
        return self.retry_after_s > 0 and not self.limit.is_shadow


def standing_of(limit: Limit, owed_us: int, wait_us: int) -> Standing:
    """`owed_us` is the time until the whole burst is there, `wait_us` that until the claim fits."""
    free_us = limit.interval_us * limit.burst - owed_us
    return Standing(
        limit=limit,
        remaining=max(0, free_us // limit.interval_us),
        full_in_s=owed_us / _US_PER_S,
        retry_after_s=wait_us / _US_PER_S,
    )
