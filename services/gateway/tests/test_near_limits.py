"""Who comes near a limit is counted each time, and named in the log now and then."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from clientsphere_common.rate_limits.model import Bucket, Limit, RateLimit, Standing
from gateway.metrics import LimitMetrics
from gateway.near_limits import NearLimits
from tests.harness.gateway import Clock

READ = RateLimit("read", 600, 10)
SHADOW = RateLimit("read", 600, 10, is_shadow=True)


class Near:
    def __init__(self) -> None:
        self.clock = Clock(0.0)
        self.registry = CollectorRegistry()
        self.near = NearLimits(LimitMetrics(self.registry), self.clock)

    def note(self, tenant_id: str = "tnt_a", limit: Limit = READ) -> list[object]:
        """The tenants that are logged for it."""
        with capture_logs() as logs:
            self.near.note(Bucket(limit, tenant_id), Standing(limit, 1, 0.9, 0.0), tenant_id)
        assert all(line["event"] == "limit_nearly_reached" for line in logs)
        return [line["tenant"] for line in logs]

    def counted(self, mode: str) -> float | None:
        labels = {"limit": "read", "mode": mode}
        return self.registry.get_sample_value("clientsphere_rate_limit_near_total", labels)


class TestNearLimits:
    def test_are_counted_each_time(self) -> None:
        near = Near()
        for _ in range(3):
            near.note()
        near.note(limit=SHADOW)
        assert (near.counted("enforced"), near.counted("shadow")) == (3, 1)

    def test_are_logged_once_a_minute_for_each_tenant(self) -> None:
        near = Near()
        assert [near.note(), near.note(), near.note("tnt_b")] == [["tnt_a"], [], ["tnt_b"]]
        near.clock.now_s = 59.9
        assert near.note() == []
        near.clock.now_s = 60.0
        assert [near.note(), near.note()] == [["tnt_a"], []]

    def test_of_strangers_are_not_logged(self) -> None:
        near = Near()
        assert near.note(tenant_id="") == []
        assert near.counted("enforced") == 1

    def test_say_how_near(self) -> None:
        near = Near()
        with capture_logs() as logs:
            near.near.note(Bucket(READ, "tnt_a"), Standing(READ, 1, 0.9, 0.0), "tnt_a")
        (line,) = logs
        assert (line["limit"], line["remaining"], line["burst"]) == ("read", 1, 10)

    @pytest.mark.parametrize("pause_s", [0.1, 1.0])
    def test_are_not_remembered_for_long(self, pause_s: float) -> None:
        near = Near()
        for number in range(5000):
            near.note(f"tnt_{number}")
            near.clock.now_s += pause_s
        assert near.near.remembered <= 2 * 1024
