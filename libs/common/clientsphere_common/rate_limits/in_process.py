"""Counts requests in the memory of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clientsphere_common.rate_limits.model import Bucket, Standing, standing_of

_KEPT_AT_LEAST = 1024


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class InProcessRateLimiter:
    """Generic cell rate algorithm.

    What is kept for a bucket is the time at which it is full again, from which its debt follows
    ("theoretical arrival time" in ITU-T I.371). Full buckets are forgotten now and then.
    """

    def __init__(self, clock_us: Callable[[], int] = _monotonic_us) -> None:
        self._clock_us = clock_us
        self._full_at_us: dict[str, int] = {}
        self._kept_at_most = _KEPT_AT_LEAST

    @property
    def bucket_count(self) -> int:
        """Buckets that are remembered."""
        return len(self._full_at_us)

    async def take(self, buckets: Sequence[Bucket]) -> list[Standing]:
        now_us = self._clock_us()
        debts_us = [self._debt_us(bucket, now_us) for bucket in buckets]
        waits_us = [
            max(0, debt_us - bucket.limit.interval_us * (bucket.limit.burst - 1))
            for bucket, debt_us in zip(buckets, debts_us, strict=True)
        ]
        if not any(waits_us):
            for place, bucket in enumerate(buckets):
                debts_us[place] += bucket.limit.interval_us
                self._full_at_us[bucket.path] = now_us + debts_us[place]
            self._forget_full_ones(now_us)
        return [
            standing_of(bucket.limit, debt_us, wait_us)
            for bucket, debt_us, wait_us in zip(buckets, debts_us, waits_us, strict=True)
        ]

    def _debt_us(self, bucket: Bucket, now_us: int) -> int:
        debt_us = max(0, self._full_at_us.get(bucket.path, 0) - now_us)
        # More than the burst can only be owed to a limit that was larger before.
        return min(debt_us, bucket.limit.interval_us * bucket.limit.burst)

    def _forget_full_ones(self, now_us: int) -> None:
        """Rarely enough that it costs nothing for each request."""
        if len(self._full_at_us) > self._kept_at_most:
            self._full_at_us = {
                path: full_at_us
                for path, full_at_us in self._full_at_us.items()
                if full_at_us > now_us
            }
            self._kept_at_most = max(_KEPT_AT_LEAST, 2 * len(self._full_at_us))
