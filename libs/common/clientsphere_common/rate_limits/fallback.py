"""Goes on counting in this process while the shared count is out of reach."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.model import Bucket, Standing
from clientsphere_common.rate_limits.ports import RateLimiter


class RateLimiterWithFallback:
    """Asks `shared`, and `local` when that fails.

    Meanwhile each process admits what the limits say by itself, so all together admit more.
    """

    def __init__(
        self, shared: RateLimiter, local: RateLimiter, registry: CollectorRegistry
    ) -> None:
        self._shared = shared
        self._local = local
        self._fallbacks = Counter(
            "clientsphere_rate_limit_fallbacks",
            "Requests that were counted in this process, because Redis was away or slow.",
            registry=registry,
        )

    async def take(self, buckets: Sequence[Bucket]) -> list[Standing]:
        try:
            return await self._shared.take(buckets)
        except DependencyUnavailableError:
            self._fallbacks.inc()
            return await self._local.take(buckets)
