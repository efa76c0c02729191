"""A small cache in the process, counted by nobody."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.metrics import CacheMetrics


def new_cache() -> InProcessCache:
    return InProcessCache(1_000_000, CacheMetrics(CollectorRegistry()))
