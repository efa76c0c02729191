"""Counts requests in the memory of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clientsphere_common.rate_limits.model import Bucket, Claim, Settlement, Standing, standing_of

_KEPT_AT_LEAST = 1024


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class InProcessRateLimiter:
    """Generic cell rate algorithm.

    What is kept for a bucket is the time at which it is full again, from which its debt follows
    ("theoretical arrival time" in ITU-T I.371), and what is held of it. Full buckets are forgotten
    now and then.
    """

    def __init__(self, clock_us: Callable[[], int] = _monotonic_us) -> None:
        self._clock_us = clock_us
        self._full_at_us: dict[str, int] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._kept_at_most = _KEPT_AT_LEAST

    @property
    def bucket_count(self) -> int:
        """Buckets that are remembered."""
        return len(self._full_at_us) + len(self._held)

    async def take(self, claim: Claim) -> list[Standing]:
        now_us, buckets = self._clock_us(), claim.buckets
        owed_us = [self._owed_us(bucket, now_us) for bucket in buckets]
        waits_us = [
            max(0, one_us - bucket.limit.interval_us * (bucket.limit.burst - bucket.wanted))
            for bucket, one_us in zip(buckets, owed_us, strict=True)
        ]
        standings = list(map(standing_of, (one.limit for one in buckets), owed_us, waits_us))
        if any(standing.refuses for standing in standings):
            return standings
        for place, (bucket, one_us, wait_us) in enumerate(
            zip(buckets, owed_us, waits_us, strict=True)
        ):
            if not wait_us:
                owing_us = one_us + bucket.limit.interval_us * bucket.wanted
                self._count(bucket, claim.id, now_us + owing_us)
                standings[place] = standing_of(bucket.limit, owing_us, 0)
        self._forget_full_ones(now_us)
        return standings

    def settle(self, settlements: Sequence[Settlement]) -> None:
        now_us = self._clock_us()
        for one in settlements:
            bucket, path = one.bucket, one.bucket.path
            if bucket.is_held and not self._release(path, one.claim_id):
                continue
            owed_us = max(0, self._full_at_us.get(path, 0) - now_us)
            owed_us += bucket.limit.interval_us * one.used
            if not bucket.is_held:
                owed_us = min(owed_us, bucket.limit.interval_us * bucket.limit.burst)
            if owed_us:
                self._full_at_us[path] = now_us + owed_us

    def owed(self, bucket: Bucket) -> int:
        """What of the burst is not there now, rounded up."""
        return -(-self._owed_us(bucket, self._clock_us()) // bucket.limit.interval_us)

    def _release(self, path: str, claim_id: str) -> bool:
        held = self._held.get(path, {})
        was_held = held.pop(claim_id, None) is not None
        if was_held and not held:
            del self._held[path]
        return was_held

    def _owed_us(self, bucket: Bucket, now_us: int) -> int:
        interval_us = bucket.limit.interval_us
        debt_us = max(0, self._full_at_us.get(bucket.path, 0) - now_us)
        if bucket.is_held:
            # May be more than the burst: more was used than had been set aside.
            return debt_us + interval_us * sum(self._held.get(bucket.path, {}).values())
        # More than the burst can only be owed to a limit that was larger before.
        return min(debt_us, interval_us * bucket.limit.burst)

    def _count(self, bucket: Bucket, claim_id: str, full_at_us: int) -> None:
        if bucket.is_held:
            self._held.setdefault(bucket.path, {})[claim_id] = bucket.wanted
        else:
            self._full_at_us[bucket.path] = full_at_us

    def _forget_full_ones(self, now_us: int) -> None:
        """Rarely enough that it costs nothing for each request."""
        if len(self._full_at_us) > self._kept_at_most:
            self._full_at_us = {
                path: full_at_us
                for path, full_at_us in self._full_at_us.items()
                if full_at_us > now_us
            }
            self._kept_at_most = max(_KEPT_AT_LEAST, 2 * len(self._full_at_us))
