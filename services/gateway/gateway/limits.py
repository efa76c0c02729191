"""Which rate limits a request must fit: that of its tenant and that of its principal."""

from __future__ import annotations

from clientsphere_common.rate_limits.model import Bucket, RateLimit, Standing
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.request import Caller


class RequestLimits:
    """One limit for each tenant and one for each principal; a request must fit both."""

    def __init__(self, limiter: RateLimiter, tenant: RateLimit, principal: RateLimit) -> None:
        self._limiter = limiter
        self._tenant = tenant
        self._principal = principal

    async def take(self, caller: Caller) -> list[Standing]:
        """Count a request of `caller`; one that is not admitted by both counts for neither."""
        return await self._limiter.take(
            [
                Bucket(self._tenant, caller.tenant_id),
                Bucket(self._principal, caller.principal_id),
            ]
        )
