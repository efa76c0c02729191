"""The circuit breaker: which calls it lets through, and what it learns from them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from types import coroutine

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InvalidInputError,
    LimitExceededError,
)
from clientsphere_common.resilience.breaker import BreakerPolicy, BreakerState, CircuitBreaker

POLICY = BreakerPolicy(failures=3, open_s=10.0)
AWAY = DependencyUnavailableError("away", "It does not answer.")


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Call:
    """A call that goes on until the test ends it."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._running = breaker.call(_until_told)
        self._running.send(None)

    def end(self, error: BaseException | None = None) -> None:
        running = self._running
        end = partial(running.throw, error) if error else partial(running.send, None)
        with pytest.raises(StopIteration if error is None else type(error)) as ended:
            end()
        assert error is None or ended.value is error


async def _until_told() -> None:
    await _suspended()


async def answer() -> str:
    return "here"


@coroutine
def _suspended() -> Generator[None, None, None]:
    yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("engine", POLICY, clock=clock)


def open_up(breaker: CircuitBreaker) -> None:
    for _ in range(POLICY.failures):
        Call(breaker).end(AWAY)
    assert breaker.state is BreakerState.OPEN


class TestFailures:
    @pytest.mark.parametrize("error", [AWAY, DeadlineExceededError("late", "It took too long.")])
    def test_in_a_row_open_it(self, breaker: CircuitBreaker, error: Exception) -> None:
        for _ in range(POLICY.failures):
            assert breaker.state is BreakerState.CLOSED
            Call(breaker).end(error)
        assert breaker.state is BreakerState.OPEN

    def test_with_an_answer_in_between_do_not(self, breaker: CircuitBreaker) -> None:
        for _ in range(POLICY.failures):
            Call(breaker).end(AWAY)
            Call(breaker).end()
        assert breaker.state is BreakerState.CLOSED

    @pytest.mark.parametrize(
        "error",
        [
            InvalidInputError("wrong", "That was wrong."),
            LimitExceededError("many", "That was too much."),
            asyncio.CancelledError(),
            ValueError("a bug"),
        ],
        ids=repr,
    )
    def test_are_not_what_others_did_wrong(
        self, breaker: CircuitBreaker, error: BaseException
    ) -> None:
        for _ in range(POLICY.failures + 1):
            Call(breaker).end(error)
        assert breaker.state is BreakerState.CLOSED

    def test_are_not_made_good_by_a_call_that_was_cancelled(self, breaker: CircuitBreaker) -> None:
        cancelled = Call(breaker)
        for _ in range(POLICY.failures - 1):
            Call(breaker).end(AWAY)
        cancelled.end(asyncio.CancelledError())
        Call(breaker).end(AWAY)
        assert breaker.state is BreakerState.OPEN


class TestWhileOpen:
    def test_calls_are_refused_and_told_when_to_come_back(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        open_up(breaker)
        clock.now_s += 4
        with pytest.raises(DependencyUnavailableError) as refused:
            Call(breaker)
        assert refused.value.code == "circuit_open"
        assert refused.value.retry_after_s == pytest.approx(6)

    def test_failures_of_calls_from_before_do_not_keep_it_open(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        late = Call(breaker)
        open_up(breaker)
        clock.now_s += 9
        late.end(AWAY)
        clock.now_s += 1
        Call(breaker).end()
        assert breaker.state is BreakerState.CLOSED


class TestTrying:
    @pytest.fixture
    def trying(self, breaker: CircuitBreaker, clock: Clock) -> Call:
        open_up(breaker)
        clock.now_s += POLICY.open_s
        return Call(breaker)

    def test_is_for_one_at_a_time(self, breaker: CircuitBreaker, trying: Call) -> None:
        with pytest.raises(DependencyUnavailableError) as refused:
            Call(breaker)
        assert refused.value.retry_after_s == POLICY.open_s
        trying.end()
        Call(breaker).end()

    def test_closes_it_when_there_is_an_answer(self, breaker: CircuitBreaker, trying: Call) -> None:
        trying.end()
        assert breaker.state is BreakerState.CLOSED

    def test_closes_it_when_the_answer_is_a_refusal(
        self, breaker: CircuitBreaker, trying: Call
    ) -> None:
        trying.end(InvalidInputError("wrong", "That was wrong."))
        assert breaker.state is BreakerState.CLOSED

    def test_opens_it_for_as_long_again_when_there_is_none(
        self, breaker: CircuitBreaker, clock: Clock, trying: Call
    ) -> None:
        trying.end(AWAY)
        clock.now_s += POLICY.open_s - 0.1
        with pytest.raises(DependencyUnavailableError):
            Call(breaker)
        clock.now_s += 0.1
        Call(breaker).end()

    def test_is_for_the_next_when_it_was_cancelled(
        self, breaker: CircuitBreaker, trying: Call
    ) -> None:
        trying.end(asyncio.CancelledError())
        Call(breaker).end()
        assert breaker.state is BreakerState.CLOSED


class TestCheck:
    async def test_asks_while_it_is_open_and_closes_it(self, breaker: CircuitBreaker) -> None:
        open_up(breaker)
        assert await breaker.check(answer) == "here"
        assert breaker.state is BreakerState.CLOSED

    async def test_that_succeeds_says_more_than_a_try_from_before(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        open_up(breaker)
        clock.now_s += POLICY.open_s
        trying = Call(breaker)
        await breaker.check(answer)
        trying.end(AWAY)
        for _ in range(POLICY.failures - 1):
            Call(breaker).end(AWAY)
        assert breaker.state is BreakerState.CLOSED

    async def test_that_fails_changes_nothing(self, breaker: CircuitBreaker) -> None:
        async def fail() -> None:
            raise AWAY

        for _ in range(POLICY.failures + 1):
            with pytest.raises(DependencyUnavailableError):
                await breaker.check(fail)
        assert breaker.state is BreakerState.CLOSED


class TestChanges:
    def test_are_told_from_the_first_state_on(self, clock: Clock) -> None:
        told: list[BreakerState] = []
        breaker = CircuitBreaker("engine", POLICY, told.append, clock)
        open_up(breaker)
        clock.now_s += POLICY.open_s
        Call(breaker).end()
        closed, half_open, opened = BreakerState
        assert told == [closed, opened, half_open, closed]


OUTCOMES = {
    "answer": None,
    "failure": AWAY,
    "mistake": InvalidInputError("wrong", "That was wrong."),
    "cancelled": asyncio.CancelledError(),
    "bug": ValueError("a bug"),
}


class BreakerMachine(RuleBasedStateMachine):
    """Compares it with a model that keeps the whole story of calls, whatever their order."""

    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = CircuitBreaker("engine", POLICY, clock=self.clock)
        self.state = "closed"
        self.failures = 0
        self.opened_at_s = 0.0
        self.counted: set[int] = set()
        """Calls whose outcome still matters."""
        self.calls = 0

    @rule(target=running)
    def begin(self) -> tuple[int, Call | None]:
        self.calls += 1
        waited = self.clock.now_s >= self.opened_at_s + POLICY.open_s
        if self.state == "closed" or (waited and not self.counted):
            if self.state != "closed":
                self.state = "half_open"
            self.counted.add(self.calls)
            return self.calls, Call(self.breaker)
        with pytest.raises(DependencyUnavailableError) as refused:
            Call(self.breaker)
        assert 0 < refused.value.retry_after_s <= POLICY.open_s
        return self.calls, None

    @rule(begun=consumes(running), outcome=st.sampled_from(sorted(OUTCOMES)))
    def end(self, begun: tuple[int, Call | None], outcome: str) -> None:
        number, call = begun
        if call is None:
            return
        call.end(OUTCOMES[outcome])
        if number not in self.counted:
            return
        self.counted.discard(number)
        if outcome in {"answer", "mistake"}:
            self.state, self.failures = "closed", 0
        elif outcome == "failure":
            self.failures += 1
            if self.state == "half_open" or self.failures == POLICY.failures:
                self.state, self.opened_at_s = "open", self.clock.now_s
                self.counted.clear()

    @rule(seconds=st.sampled_from([0.5, 5.0, POLICY.open_s]))
    def wait(self, seconds: float) -> None:
        self.clock.now_s += seconds

    @rule()
    def check(self) -> None:
        with pytest.raises(StopIteration):
            self.breaker.check(answer).send(None)
        if self.state != "closed":
            self.state, self.failures = "closed", 0
            self.counted.clear()

    @invariant()
    def is_in_the_state_of_the_model(self) -> None:
        assert self.breaker.state.name.lower() == self.state


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
