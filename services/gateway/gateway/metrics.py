"""What is counted and timed of requests, their limits and repetitions, and of deliveries."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from clientsphere_common.rate_limits.model import Limit
from gateway.webhooks.model import DeliveryState

_ADMISSION_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1)
IdempotencyOutcome = Literal["executed", "resumed", "replayed", "in_use", "reused"]
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAG_BUCKETS_S = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 28800, 86400)


class HttpMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "clientsphere_http_requests_seconds",
            "Time from a request's arrival to the end of its response, by route and status.",
            ("method", "route", "status"),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.in_flight = Gauge(
            "clientsphere_http_requests_in_flight",
            "Requests whose response has not ended yet.",
            registry=registry,
        )

    def observe(self, method: str, route: str, status: int, elapsed_s: float) -> None:
        """`route` is the template, never the path: a client must not be able to make labels."""
        self._duration.labels(method, route, str(status)).observe(elapsed_s)


class LimitMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._refusals = Counter(
            "clientsphere_rate_limit_refusals",
            "Times that a limit did not admit a request, by limit and by whether it counts.",
            ("limit", "mode"),
            registry=registry,
        )
        self._near = Counter(
            "clientsphere_rate_limit_near",
            "Times that a limit admitted a request with less than a fifth of its burst left.",
            ("limit", "mode"),
            registry=registry,
        )
        self.admission = Histogram(
            "clientsphere_admission_seconds",
            "Time for authentication, limits and permissions of one request.",
            buckets=_ADMISSION_BUCKETS_S,
            registry=registry,
        )

    def refused(self, limit: Limit) -> None:
        self._refusals.labels(limit.name, _mode(limit)).inc()

    def near(self, limit: Limit) -> None:
        self._near.labels(limit.name, _mode(limit)).inc()


class WebhookMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "clientsphere_webhook_attempts_total",
            "Attempts to deliver to a webhook, by what became of the delivery.",
            ("state",),
            registry=registry,
        )
        self._lag = Histogram(
            "clientsphere_webhook_delivery_seconds",
            "Time from an event to the receiver's acceptance.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self._overdue = Gauge(
            "clientsphere_webhook_overdue_seconds",
            "For how long the oldest delivery is due that nothing but ourselves holds up.",
            registry=registry,
        )

    def attempted(self, state: DeliveryState, lag_s: float) -> None:
        self._attempts.labels(state.value).inc()
        if state is DeliveryState.DELIVERED:
            self._lag.observe(lag_s)

    def overdue_s(self, seconds: float) -> None:
        self._overdue.set(seconds)


class IdempotencyMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "clientsphere_idempotent_requests",
            "Requests with an idempotency key, by what became of them.",
            ("outcome",),
            registry=registry,
        )

    def count(self, outcome: IdempotencyOutcome) -> None:
        self._requests.labels(outcome).inc()


def _mode(limit: Limit) -> str:
    return "shadow" if limit.is_shadow else "enforced"
