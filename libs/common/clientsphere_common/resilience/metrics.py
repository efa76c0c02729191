"""What operators see of the calls to dependencies."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from clientsphere_common.resilience.breaker import BreakerState


class CallMetrics:
    """One per process, whatever it calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "clientsphere_breaker_state",
            "Whether calls to a dependency are made: 0 all (closed), 1 one that tries (half-open),"
            " 2 none (open).",
            ("dependency",),
            registry=registry,
        )

    def set_state(self, dependency: str, state: BreakerState) -> None:
        self._state.labels(dependency).set(state)
