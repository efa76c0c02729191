"""Puts together what has requests done once."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from gateway.idempotency.requests import IdempotentRequests
from gateway.idempotency.sealing import RequestSecrets
from gateway.metrics import IdempotencyMetrics
from gateway.ports import ClaimStore

_HOUR_S = 3600.0


def idempotent_requests(
    store: ClaimStore,
    pepper: bytes,
    registry: CollectorRegistry,
    kept_hours: int,
    clock: Callable[[], float] = time.time,
) -> IdempotentRequests:
    request_secrets, metrics = RequestSecrets(pepper), IdempotencyMetrics(registry)
    return IdempotentRequests(store, request_secrets, metrics, kept_hours * _HOUR_S, clock)
