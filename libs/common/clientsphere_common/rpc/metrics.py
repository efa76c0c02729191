"""How long RPCs take and how they end."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class RpcMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "clientsphere_rpc_duration_seconds",
            "Time from an RPC's arrival to its last response, by method and status code.",
            ("method", "code"),
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def observe(self, method: str, code: str, elapsed_s: float) -> None:
        """`method` is the full gRPC name, /package.Service/Method."""
        self._duration.labels(method, code).observe(elapsed_s)
