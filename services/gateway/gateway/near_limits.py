"""Tells operators which tenant comes near a limit, before anything is refused."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from clientsphere_common.rate_limits.model import Bucket, Standing
from gateway.metrics import LimitMetrics

log = structlog.get_logger(__name__)

_LOG_INTERVAL_S = 60.0
_KEPT_AT_LEAST = 1024


class NearLimits:
    """Counts every time, and logs each bucket of a caller at most once a minute.

    The log names the tenant, because the metrics cannot: it would be a label without a bound.
    """

    def __init__(
        self, metrics: LimitMetrics, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._logged_at_s: dict[str, float] = {}
        self._kept_at_most = _KEPT_AT_LEAST

    @property
    def remembered(self) -> int:
        """Buckets of which it is known when they were logged."""
        return len(self._logged_at_s)

    def note(self, bucket: Bucket, standing: Standing, tenant_id: str) -> None:
        """Without a tenant nothing is logged: strangers must not be able to fill the log."""
        limit = standing.limit
        self._metrics.near(limit)
        if not tenant_id or not self._is_due(bucket.path):
            return
        log.warning(
            "limit_nearly_reached",
            tenant=tenant_id,
            limit=limit.name,
            remaining=standing.remaining,
            burst=limit.burst,
        )

    def _is_due(self, path: str) -> bool:
        now_s = self._monotonic()
        if now_s - self._logged_at_s.get(path, -_LOG_INTERVAL_S) < _LOG_INTERVAL_S:
            return False
        self._logged_at_s[path] = now_s
        if len(self._logged_at_s) > self._kept_at_most:
            self._logged_at_s = {
                known: at_s
                for known, at_s in self._logged_at_s.items()
                if now_s - at_s < _LOG_INTERVAL_S
            }
            self._kept_at_most = max(_KEPT_AT_LEAST, 2 * len(self._logged_at_s))
        return True
