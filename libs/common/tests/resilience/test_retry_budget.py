"""The retry budget never lets retries grow with the trouble they make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.resilience.retry_budget import BudgetPolicy, RetryBudget

POLICY = BudgetPolicy(per_call=0.1, per_s=0.5, reserve=4.0)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> RetryBudget:
    return RetryBudget(POLICY, clock)


def spend_all(budget: RetryBudget) -> int:
    spent = 0
    while budget.spend():
        spent += 1
    return spent


class TestSpend:
    def test_a_quiet_dependency_has_the_reserve(self, budget: RetryBudget) -> None:
        assert spend_all(budget) == 4

    def test_ten_calls_earn_one_more(self, budget: RetryBudget) -> None:
        spend_all(budget)
        for _ in range(9):
            budget.earn()
            assert not budget.spend()
        budget.earn()
        assert spend_all(budget) == 1

    def test_so_does_waiting(self, budget: RetryBudget, clock: Clock) -> None:
        spend_all(budget)
        clock.now_s += 2
        assert spend_all(budget) == 1

    def test_no_more_than_the_reserve_is_saved_up(self, budget: RetryBudget, clock: Clock) -> None:
        for _ in range(1000):
            budget.earn()
        clock.now_s += 1000
        assert spend_all(budget) == 4


STEPS = st.lists(st.one_of(st.just("call"), st.just("retry"), st.floats(0, 5)), max_size=200)


class TestAnyStretchOfTime:
    @given(before=STEPS, during=STEPS)
    def test_retries_stay_within_reserve_share_of_calls_and_seconds(
        self, before: list[str | float], during: list[str | float]
    ) -> None:
        clock = Clock()
        budget = RetryBudget(POLICY, clock)
        self._play(budget, clock, before)
        spent = self._play(budget, clock, during)
        waited_s = sum(step for step in during if isinstance(step, float))
        earned = POLICY.per_call * during.count("call") + POLICY.per_s * waited_s
        assert spent <= POLICY.reserve + earned + 1e-6

    def _play(self, budget: RetryBudget, clock: Clock, steps: list[str | float]) -> int:
        spent = 0
        for step in steps:
            if isinstance(step, float):
                clock.now_s += step
            elif step == "call":
                budget.earn()
            else:
                spent += budget.spend()
        return spent

    @given(steps=STEPS)
    def test_a_retry_that_was_earned_is_granted(self, steps: list[str | float]) -> None:
        clock = Clock()
        budget = RetryBudget(POLICY, clock)
        saved = POLICY.reserve
        for step in steps:
            if step == "retry":
                granted = budget.spend()
                assert granted == (saved >= 1) or abs(saved - 1) < 1e-6
                saved -= granted
            elif isinstance(step, float):
                clock.now_s += step
                saved = min(POLICY.reserve, saved + step * POLICY.per_s)
            else:
                budget.earn()
                saved = min(POLICY.reserve, saved + POLICY.per_call)
