"""What the shedding of load looks like from outside."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.shedding.priorities import Priority


class SheddingMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._shed = Counter(
            "clientsphere_http_requests_shed_total",
            "Requests refused because there was too much to do, by priority.",
            ("priority",),
            registry=registry,
        )
        for priority in Priority:
            self._shed.labels(priority.label)
        self._places = Gauge(
            "clientsphere_http_places",
            "Requests that may be worked on at once; fewer while the event loop is late.",
            registry=registry,
        )
        self._lag = Gauge(
            "clientsphere_event_loop_lag_seconds",
            "How late the event loop was, at the best moment of the last half second.",
            registry=registry,
        )

    def shed(self, priority: Priority) -> None:
        self._shed.labels(priority.label).inc()

    def observe(self, lag_s: float, places: int) -> None:
        self._lag.set(lag_s)
        self._places.set(places)
