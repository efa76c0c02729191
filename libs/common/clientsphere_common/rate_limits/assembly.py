"""Chooses where requests are counted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from clientsphere_common.modules import Opened
from clientsphere_common.rate_limits.fallback import RateLimiterWithFallback
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from clientsphere_common.readiness import Check
from clientsphere_common.redis.assembly import open_redis
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.secrets.ports import Secrets

_STRICT_TIMEOUT_S = 0.5
"""A login is better late than refused because the server paused for a moment."""


async def open_rate_limiter(
    settings: RedisSettings, secrets: Secrets, registry: CollectorRegistry
) -> Opened[RateLimiter]:
    local = InProcessRateLimiter()
    if not settings.url:
        return Opened(local)
    redis = await open_redis(settings, secrets)
    timeout_s = max(settings.timeout_s, _STRICT_TIMEOUT_S)
    patient = await open_redis(settings.model_copy(update={"timeout_s": timeout_s}), secrets)
    shared = RedisRateLimiter(redis.use, patient=patient.use)
    limiter = RateLimiterWithFallback(shared, local, lambda: shared.process_count, registry)
    check = Check("rate limits", redis.use.check, is_required=False)
    return Opened(limiter, (*redis.modules, *patient.modules, shared), (check,))
