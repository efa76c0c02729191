"""Rate limits: the law of the generic cell rate algorithm, checked against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.request import Caller
from gateway.limits import RateLimit, RequestLimits

NS = 1_000_000_000
ROOMY = RateLimit("roomy", 1_000_000, 1_000_000)
CALLER = Caller("tnt_a", "key_a")


class NsClock:
    def __init__(self) -> None:
        self.now_ns = 5 * NS

    def __call__(self) -> int:
        return self.now_ns


def admits(limits: RequestLimits, caller: Caller = CALLER) -> bool:
    return not any(standing.retry_after_s for standing in limits.take(caller))


class TestRequestLimits:
    def test_a_burst_is_admitted_at_once_and_not_one_more(self) -> None:
        limits = RequestLimits(ROOMY, RateLimit("principal", 60, 5), NsClock())
        assert [admits(limits) for _ in range(7)] == [True] * 5 + [False] * 2

    def test_after_a_burst_the_rate_is_admitted(self) -> None:
        clock = NsClock()
        limits = RequestLimits(ROOMY, RateLimit("principal", 60, 5), clock)
        while admits(limits):
            continue
        clock.now_ns += NS - 1
        assert not admits(limits)
        clock.now_ns += 1
        assert admits(limits)
        assert not admits(limits)

    def test_says_when_to_come_back_and_is_right(self) -> None:
        clock = NsClock()
        limits = RequestLimits(ROOMY, RateLimit("principal", 30, 1), clock)
        assert admits(limits)
        clock.now_ns += NS // 2
        (_, standing) = limits.take(CALLER)
        assert standing.retry_after_s == 1.5
        clock.now_ns += int(standing.retry_after_s * NS)
        assert admits(limits)

    def test_says_what_is_left_and_when_all_of_it_is_back(self) -> None:
        limits = RequestLimits(ROOMY, RateLimit("principal", 60, 5), NsClock())
        limits.take(CALLER)
        (_, standing) = limits.take(CALLER)
        assert (standing.remaining, standing.full_in_s) == (3, 2.0)

    def test_principals_of_a_tenant_share_its_limit(self) -> None:
        limits = RequestLimits(RateLimit("tenant", 60, 2), ROOMY, NsClock())
        assert admits(limits, Caller("tnt_a", "key_1"))
        assert admits(limits, Caller("tnt_a", "key_2"))
        assert not admits(limits, Caller("tnt_a", "key_3"))

    def test_a_flooding_tenant_takes_nothing_from_another(self) -> None:
        limits = RequestLimits(RateLimit("tenant", 60, 2), ROOMY, NsClock())
        for _ in range(100):
            limits.take(Caller("tnt_a", "key_1"))
        assert admits(limits, Caller("tnt_b", "key_2"))

    def test_what_one_limit_refuses_does_not_count_for_the_other(self) -> None:
        clock = NsClock()
        limits = RequestLimits(RateLimit("tenant", 60, 3), RateLimit("principal", 60, 1), clock)
        assert admits(limits, Caller("tnt_a", "key_1"))
        for _ in range(10):
            assert not admits(limits, Caller("tnt_a", "key_1"))
        assert admits(limits, Caller("tnt_a", "key_2"))
        assert admits(limits, Caller("tnt_a", "key_3"))

    @pytest.mark.parametrize("per_minute", [7, 59, 61, 999])
    def test_rates_that_do_not_divide_a_minute_are_not_exceeded(self, per_minute: int) -> None:
        clock = NsClock()
        limits = RequestLimits(ROOMY, RateLimit("principal", per_minute, 1), clock)
        admitted = 0
        step_ns = 60 * NS // (per_minute * 3)
        for _ in range(3 * per_minute):
            admitted += admits(limits)
            clock.now_ns += step_ns
        assert admitted <= per_minute + 1

    @given(
        gaps_ns=st.lists(st.integers(0, 3 * NS), min_size=1, max_size=120),
        per_minute=st.sampled_from([20, 60, 240]),
        burst=st.integers(1, 8),
    )
    def test_decides_as_exact_arithmetic_does(
        self, gaps_ns: list[int], per_minute: int, burst: int
    ) -> None:
        clock = NsClock()
        limits = RequestLimits(ROOMY, RateLimit("principal", per_minute, burst), clock)
        tokens, last_ns = Fraction(burst), clock.now_ns
        for gap_ns in gaps_ns:
            clock.now_ns += gap_ns
            refill = Fraction(clock.now_ns - last_ns, NS) * per_minute / 60
            tokens, last_ns = min(Fraction(burst), tokens + refill), clock.now_ns
            expected = tokens >= 1
            assert admits(limits) is expected
            tokens -= expected
