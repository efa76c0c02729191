"""What services need from whatever counts requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientsphere_common.rate_limits.model import Bucket, Standing


class RateLimiter(Protocol):
    async def take(self, buckets: Sequence[Bucket]) -> list[Standing]:
        """Count one request in all `buckets`, which are different; return its standing in each.

        A request that does not fit one of them is not admitted and counts for none. Raises
        DependencyUnavailableError.
        """
        ...
