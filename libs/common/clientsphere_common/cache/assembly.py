"""Chooses where cached values are kept."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.cache.ports import Cache
from clientsphere_common.cache.redis import RedisCache
from clientsphere_common.modules import Opened
from clientsphere_common.readiness import Check
from clientsphere_common.redis.assembly import open_redis
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.secrets.ports import Secrets


async def open_cache(
    settings: RedisSettings, secrets: Secrets, registry: CollectorRegistry
) -> Opened[Cache]:
    metrics = CacheMetrics(registry)
    if not settings.url:
        return Opened(InProcessCache(settings.in_process_cache_mib * 1024**2, metrics))
    redis = await open_redis(settings, secrets)
    check = Check("cache", redis.use.check, is_required=False)
    return Opened(RedisCache(redis.use, metrics), redis.modules, (check,))
