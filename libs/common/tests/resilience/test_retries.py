"""Retries: how often, after which failures, after what pauses, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    LimitExceededError,
    ServiceError,
)
from clientsphere_common.request import set_timeout
from clientsphere_common.resilience.retries import Retries, RetryPolicy
from clientsphere_common.resilience.retry_budget import BudgetPolicy, RetryBudget

POLICY = RetryPolicy(tries=3, retry_on=frozenset({"away", "busy"}), first_pause_s=0.1)
PLENTY = BudgetPolicy(reserve=1000.0)


def away(retry_after_s: float = 0.0) -> ServiceError:
    return DependencyUnavailableError("away", "It is away.", retry_after_s=retry_after_s)


def busy() -> ServiceError:
    return LimitExceededError("busy", "It is busy.")


def refused() -> ServiceError:
    return InvalidInputError("refused", "That was wrong.")


class Dependency:
    """Fails as told, then answers; remembers when it was asked."""

    def __init__(self, failures: Sequence[BaseException]) -> None:
        self._failures = list(failures)
        self.asked_at_s: list[float] = []

    async def ask(self) -> str:
        self.asked_at_s.append(asyncio.get_running_loop().time())
        if self._failures:
            raise self._failures.pop(0)
        return "answer"

    @property
    def pauses_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.asked_at_s)]


def no_pause(_: float) -> float:
    return 0.0


def retries(policy: RetryPolicy = POLICY, budget: BudgetPolicy = PLENTY) -> Retries:
    return Retries("engine", policy, RetryBudget(budget), no_pause)


class TestTries:
    async def test_the_first_answer_counts(self) -> None:
        dependency = Dependency([])
        assert await retries().run(dependency.ask) == "answer"
        assert len(dependency.asked_at_s) == 1

    async def test_after_failures_comes_the_answer(self) -> None:
        dependency = Dependency([away(), busy()])
        assert await retries().run(dependency.ask) == "answer"

    async def test_after_the_last_comes_its_failure(self) -> None:
        failures = [away(), away(), busy(), away()]
        dependency = Dependency(failures)
        with pytest.raises(LimitExceededError) as failed:
            await retries().run(dependency.ask)
        assert failed.value is failures[2]
        assert len(dependency.asked_at_s) == POLICY.tries

    @pytest.mark.parametrize("error", [refused(), ValueError("a bug"), asyncio.CancelledError()])
    async def test_there_is_only_one_when_the_failure_would_be_the_same_again(
        self, error: BaseException
    ) -> None:
        dependency = Dependency([error])
        with pytest.raises(type(error)):
            await retries().run(dependency.ask)
        assert len(dependency.asked_at_s) == 1

    @given(
        kinds=st.lists(st.sampled_from(["away", "busy", "refused"]), max_size=6),
        tries=st.integers(1, 4),
        reserve=st.integers(0, 4),
    )
    def test_are_as_many_as_policy_and_budget_allow(
        self, kinds: list[str], tries: int, reserve: int
    ) -> None:
        makers = {"away": away, "busy": busy, "refused": refused}
        failures = [makers[kind]() for kind in kinds]
        expected = 1
        while expected <= len(kinds) and kinds[expected - 1] != "refused":
            if expected == min(tries, reserve + 1):
                break
            expected += 1
        dependency = Dependency(failures)
        policy = RetryPolicy(tries=tries, retry_on=POLICY.retry_on)
        budget = BudgetPolicy(reserve=reserve, per_call=0, per_s=0)
        outcome = asyncio.run(_outcome(retries(policy, budget), dependency))
        assert len(dependency.asked_at_s) == expected
        assert outcome is (failures[expected - 1] if expected <= len(failures) else None)


async def _outcome(trying: Retries, dependency: Dependency) -> ServiceError | None:
    try:
        await trying.run(dependency.ask)
    except ServiceError as error:
        return error
    return None


class TestBudget:
    async def test_bounds_the_retries_of_all_calls_together(self) -> None:
        trying = retries(budget=BudgetPolicy(reserve=5.0, per_s=0))
        asked = 0
        for _ in range(200):
            dependency = Dependency([away()] * 3)
            await _outcome(trying, dependency)
            asked += len(dependency.asked_at_s)
        assert 200 + 5 <= asked <= 200 * 1.1 + 5


class TestPauses:
    async def test_are_drawn_below_a_bound_that_doubles(self) -> None:
        bounds_s: list[float] = []

        def note(longest_s: float) -> float:
            bounds_s.append(longest_s)
            return 0.0

        policy = RetryPolicy(5, POLICY.retry_on, first_pause_s=0.1, longest_pause_s=0.5)
        trying = Retries("engine", policy, RetryBudget(PLENTY), note)
        await trying.run(Dependency([away()] * 4).ask)
        assert bounds_s == pytest.approx([0.1, 0.2, 0.4, 0.5])

    async def test_are_at_least_what_the_dependency_asks_for(self) -> None:
        dependency = Dependency([away(retry_after_s=0.05)])
        await retries().run(dependency.ask)
        assert dependency.pauses_s[0] >= 0.049

    async def test_are_not_made_when_it_asks_for_too_long_a_one(self) -> None:
        dependency = Dependency([away(retry_after_s=POLICY.longest_pause_s + 1)])
        with pytest.raises(DependencyUnavailableError):
            await retries().run(dependency.ask)
        assert len(dependency.asked_at_s) == 1


class TestDeadline:
    async def test_a_pause_beyond_it_is_not_begun(self) -> None:
        set_timeout(1.0)
        budget = RetryBudget(BudgetPolicy(reserve=1.0, per_call=0, per_s=0))
        dependency = Dependency([away(retry_after_s=1.5)])
        with pytest.raises(DependencyUnavailableError):
            await Retries("engine", POLICY, budget, no_pause).run(dependency.ask)
        assert len(dependency.asked_at_s) == 1
        assert budget.spend()
