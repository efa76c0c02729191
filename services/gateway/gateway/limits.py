"""How many requests a tenant and a principal may make: GCRA, counted in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from clientsphere_common.request import Caller

_NS_PER_S = 1_000_000_000
_NS_PER_MINUTE = 60 * _NS_PER_S


@dataclass(frozen=True)
class RateLimit:
    name: str
    requests_per_minute: int
    burst: int


@dataclass(frozen=True)
class Standing:
    """Where somebody stands with one limit after a request."""

    limit: RateLimit
    remaining: int
    """Requests that would be admitted right now."""
    full_in_s: float
    """Until the whole burst is there again."""
    retry_after_s: float
    """0 when the request was admitted."""


class RequestLimits:
    """One limit for each tenant and one for each principal; a request must fit both.

    In every window of T minutes each admits at most burst + requests_per_minute * T. Generic cell
    rate algorithm: what is kept for a key is the time at which its bucket would be empty of debt
    ("theoretical arrival time" in ITU-T I.371). Keys come from verified credentials only, so there
    are no more of them than principals.
    """

    def __init__(
        self,
        tenant: RateLimit,
        principal: RateLimit,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._buckets = (_Buckets(tenant), _Buckets(principal))
        self._clock_ns = clock_ns

    def take(self, caller: Caller) -> tuple[Standing, Standing]:
        """Count a request of `caller`; one that is not admitted by both counts for neither."""
        now_ns = self._clock_ns()
        tenants, principals = self._buckets
        tenant_wait_ns = tenants.wait_ns(caller.tenant_id, now_ns)
        principal_wait_ns = principals.wait_ns(caller.principal_id, now_ns)
        if not tenant_wait_ns and not principal_wait_ns:
            tenants.add(caller.tenant_id, now_ns)
            principals.add(caller.principal_id, now_ns)
        return (
            tenants.standing(caller.tenant_id, now_ns, tenant_wait_ns),
            principals.standing(caller.principal_id, now_ns, principal_wait_ns),
        )


class _Buckets:
    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        # Rounded up: the limit is never exceeded by rounding.
        self._interval_ns = -(-_NS_PER_MINUTE // limit.requests_per_minute)
        self._settled_at_ns: dict[str, int] = {}

    def wait_ns(self, key: str, now_ns: int) -> int:
        """Until a request would be admitted; 0 when it would be now."""
        debt_ns = self._debt_ns(key, now_ns)
        return max(0, debt_ns - self._interval_ns * (self._limit.burst - 1))

    def add(self, key: str, now_ns: int) -> None:
        self._settled_at_ns[key] = now_ns + self._debt_ns(key, now_ns) + self._interval_ns

    def standing(self, key: str, now_ns: int, wait_ns: int) -> Standing:
        debt_ns = self._debt_ns(key, now_ns)
        free_ns = self._interval_ns * self._limit.burst - debt_ns
        return Standing(
            limit=self._limit,
            remaining=free_ns // self._interval_ns,
            full_in_s=debt_ns / _NS_PER_S,
            retry_after_s=wait_ns / _NS_PER_S,
        )

    def _debt_ns(self, key: str, now_ns: int) -> int:
        return max(0, self._settled_at_ns.get(key, 0) - now_ns)
