"""How often the cache has what it is asked for."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class CacheMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "clientsphere_cache_requests",
            "Requests to the cache, by what came of them.",
            ("result",),
            registry=registry,
        )
        self.hits = requests.labels("hit")
        self.misses = requests.labels("miss")
        self.writes = requests.labels("write")
        self.failures = requests.labels("failure")
        """Of all kinds, because the cache was away or slow."""
