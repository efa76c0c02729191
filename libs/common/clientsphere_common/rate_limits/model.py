"""Rate limits, and where somebody stands with one."""

from __future__ import annotations

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

    @property
    def interval_us(self) -> int:
        """Between two that are admitted in the long run, rounded up: rounding admits no more."""
        return -(-_US_PER_MINUTE // self.per_minute)


@dataclass(frozen=True)
class Bucket:
    """What a limit counts together: all requests of one tenant, of one address."""

    limit: RateLimit
    key: str

    @property
    def path(self) -> str:
        """The name under which adapters count; two buckets never share one."""
        return f"{quote(self.limit.name, safe='')}:{quote(self.key, safe='')}"


@dataclass(frozen=True)
class Standing:
    """Where somebody stands with one limit after a request."""

    limit: RateLimit
    remaining: int
    """Requests that would be admitted right now."""
    full_in_s: float
    """Until the whole burst is there again."""
    retry_after_s: float
    """0 when this limit admits the request."""


def standing_of(limit: RateLimit, debt_us: int, wait_us: int) -> Standing:
    """`debt_us` is the time until the whole burst is there, `wait_us` that until one fits."""
    free_us = limit.interval_us * limit.burst - debt_us
    return Standing(
        limit=limit,
        remaining=free_us // limit.interval_us,
        full_in_s=debt_us / _US_PER_S,
        retry_after_s=wait_us / _US_PER_S,
    )
