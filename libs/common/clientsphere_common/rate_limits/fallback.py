"""Goes on counting in this process while the shared count is out of reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import (
    Bucket,
    Claim,
    ConcurrencyLimit,
    Limit,
    Settlement,
    Standing,
)
from clientsphere_common.rate_limits.ports import RateLimiter

_RETRY_AFTER_S = 2.0
_KEPT_AT_LEAST = 1024


class RateLimiterWithFallback:
    """Asks `shared`, and `local` when that fails: with this process's share of every limit.

    Each of the two is told what the other one counted, so that a server that comes and goes does
    not double what is admitted. Strict claims are refused instead.
    """

    def __init__(
        self,
        shared: RateLimiter,
        local: InProcessRateLimiter,
        process_count: Callable[[], int],
        registry: CollectorRegistry,
    ) -> None:
        self._shared = shared
        self._local = local
        self._process_count = process_count
        self._counted_here: dict[Bucket, int] = {}
        self._kept_at_most = _KEPT_AT_LEAST
        self._fallbacks = Counter(
            "clientsphere_rate_limit_fallbacks",
            "Requests that were counted in this process, because Redis was away or slow.",
            registry=registry,
        )
        self._closed = Counter(
            "clientsphere_rate_limit_closed",
            "Requests that were refused, because Redis was away or slow.",
            registry=registry,
        )

    async def take(self, claim: Claim) -> list[Standing]:
        try:
            standings = await self._shared.take(claim)
        except DependencyUnavailableError as error:
            if claim.is_strict:
                self._closed.inc()
                raise DependencyUnavailableError(
                    "limits_unavailable",
                    "Requests of this kind are refused while they cannot be counted.",
                    retry_after_s=_RETRY_AFTER_S,
                ) from error
            return await self._take_here(claim)
        self._hand_over()
        self._local.settle(
            [
                Settlement(self._share_of(bucket), "", bucket.wanted)
                for bucket, standing in zip(claim.buckets, standings, strict=True)
                if _is_counted(bucket, standing, standings)
            ]
        )
        return standings

    def settle(self, settlements: Sequence[Settlement]) -> None:
        # With both: a call that failed may have been counted.
        self._shared.settle(settlements)
        self._local.settle([replace(one, bucket=self._share_of(one.bucket)) for one in settlements])

    async def _take_here(self, claim: Claim) -> list[Standing]:
        self._fallbacks.inc()
        buckets = [self._share_of(bucket) for bucket in claim.buckets]
        standings = await self._local.take(replace(claim, buckets=buckets))
        for bucket, standing in zip(claim.buckets, standings, strict=True):
            if _is_counted(bucket, standing, standings):
                self._note(bucket)
        return standings

    def _note(self, bucket: Bucket) -> None:
        self._counted_here[bucket] = self._counted_here.get(bucket, 0) + bucket.wanted
        if len(self._counted_here) > self._kept_at_most:
            self._counted_here = self._still_owed()
            self._kept_at_most = max(_KEPT_AT_LEAST, 2 * len(self._counted_here))

    def _hand_over(self) -> None:
        owed, self._counted_here = self._still_owed(), {}
        self._shared.settle([Settlement(bucket, "", amount) for bucket, amount in owed.items()])

    def _still_owed(self) -> dict[Bucket, int]:
        """What was counted here and is not forgiven by the time that has passed since."""
        owed = {
            bucket: min(amount, self._local.owed(self._share_of(bucket)))
            for bucket, amount in self._counted_here.items()
        }
        return {bucket: amount for bucket, amount in owed.items() if amount}

    def _share_of(self, bucket: Bucket) -> Bucket:
        return replace(bucket, limit=_share(bucket.limit, self._process_count()))


def _is_counted(bucket: Bucket, standing: Standing, standings: Sequence[Standing]) -> bool:
    """Whether a claim that got `standings` was charged in `bucket`."""
    is_refused = any(one.refuses for one in standings)
    return not (is_refused or bucket.is_held or standing.retry_after_s)


@lru_cache(maxsize=4096)
def _share(limit: Limit, process_count: int) -> Limit:
    burst = max(1, limit.burst // process_count)
    if isinstance(limit, ConcurrencyLimit):
        return replace(limit, burst=burst)
    return replace(limit, burst=burst, per_minute=max(1, limit.per_minute // process_count))
