"""Puts together what has requests done once."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from gateway.idempotency.requests import IdempotentRequests, KeyTimes
from gateway.idempotency.sealing import RequestSecrets
from gateway.metrics import IdempotencyMetrics
from gateway.ports import ClaimStore

_HOUR_S = 3600.0


def idempotent_requests(
    store: ClaimStore, pepper: bytes, registry: CollectorRegistry, kept_hours: int
) -> IdempotentRequests:
    request_secrets, metrics = RequestSecrets(pepper), IdempotencyMetrics(registry)
    return IdempotentRequests(store, request_secrets, metrics, KeyTimes(kept_hours * _HOUR_S))
