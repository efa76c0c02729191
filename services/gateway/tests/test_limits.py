"""Which limits a request of whom counts for."""

from __future__ import annotations

import pytest

from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import RateLimit
from clientsphere_common.request import Caller
from gateway.limits import RequestLimits

ROOMY = RateLimit("roomy", 1_000_000, 1_000_000)


def limits(
    tenant: RateLimit = ROOMY, principal: RateLimit = ROOMY, now_us: int = 5_000_000
) -> RequestLimits:
    """By a clock that stands still."""
    return RequestLimits(InProcessRateLimiter(lambda: now_us), tenant, principal)


async def admits(limits: RequestLimits, tenant_id: str, principal_id: str) -> bool:
    standings = await limits.take(Caller(tenant_id, principal_id))
    return not any(standing.retry_after_s for standing in standings)


class TestRequestLimits:
    async def test_principals_of_a_tenant_share_its_limit(self) -> None:
        chosen = limits(tenant=RateLimit("tenant", 60, 2))
        assert await admits(chosen, "tnt_a", "key_1")
        assert await admits(chosen, "tnt_a", "key_2")
        assert not await admits(chosen, "tnt_a", "key_3")

    async def test_a_flooding_tenant_takes_nothing_from_another(self) -> None:
        chosen = limits(tenant=RateLimit("tenant", 60, 2))
        for _ in range(100):
            await admits(chosen, "tnt_a", "key_1")
        assert await admits(chosen, "tnt_b", "key_2")

    async def test_a_flooding_principal_takes_nothing_from_another(self) -> None:
        chosen = limits(RateLimit("tenant", 60, 3), RateLimit("principal", 60, 1))
        assert await admits(chosen, "tnt_a", "key_1")
        for _ in range(10):
            assert not await admits(chosen, "tnt_a", "key_1")
        assert await admits(chosen, "tnt_a", "key_2")
        assert await admits(chosen, "tnt_a", "key_3")

    @pytest.mark.parametrize("names", [("tenant", "principal"), ("one", "other")])
    async def test_a_standing_is_told_for_the_tenant_and_then_the_principal(
        self, names: tuple[str, str]
    ) -> None:
        chosen = limits(RateLimit(names[0], 60, 5), RateLimit(names[1], 60, 2))
        standings = await chosen.take(Caller("tnt_a", "key_1"))
        assert [(one.limit.name, one.remaining) for one in standings] == [
            (names[0], 4),
            (names[1], 1),
        ]
