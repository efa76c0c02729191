"""When calls are let through to a server that has failed."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from structlog.testing import capture_logs

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.redis.avoidance import Avoidance

PAUSE_S = 1.0


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def avoidance(clock: Clock) -> Avoidance:
    return Avoidance(PAUSE_S, clock)


def fail(avoidance: Avoidance) -> str:
    """The code of the failure: that of the call, or of not being let through."""
    with pytest.raises(DependencyUnavailableError) as failure, avoidance.attempt():
        raise DependencyUnavailableError("redis_unavailable", "Redis does not answer.")
    return failure.value.code


def succeed(avoidance: Avoidance) -> None:
    with avoidance.attempt():
        pass


def is_let_through(avoidance: Avoidance) -> bool:
    try:
        succeed(avoidance)
    except DependencyUnavailableError:
        return False
    return True


class TestAvoidance:
    def test_lets_everything_through_until_a_call_fails(self, avoidance: Avoidance) -> None:
        with avoidance.attempt():
            assert is_let_through(avoidance)
        assert fail(avoidance) == "redis_unavailable"
        assert not is_let_through(avoidance)

    def test_tries_again_after_the_pause(self, avoidance: Avoidance, clock: Clock) -> None:
        fail(avoidance)
        clock.now_s += PAUSE_S - 0.001
        assert not is_let_through(avoidance)
        clock.now_s += 0.001
        assert is_let_through(avoidance)
        assert is_let_through(avoidance)

    def test_tries_with_one_call_at_a_time(self, avoidance: Avoidance, clock: Clock) -> None:
        fail(avoidance)
        clock.now_s += PAUSE_S
        with avoidance.attempt():
            assert not is_let_through(avoidance)
        assert is_let_through(avoidance)

    def test_pauses_again_when_the_trial_fails(self, avoidance: Avoidance, clock: Clock) -> None:
        fail(avoidance)
        clock.now_s += PAUSE_S
        assert fail(avoidance) == "redis_unavailable"
        assert fail(avoidance) == "redis_avoided"
        clock.now_s += PAUSE_S
        assert is_let_through(avoidance)

    def test_a_cancelled_trial_leaves_its_place_to_the_next(
        self, avoidance: Avoidance, clock: Clock
    ) -> None:
        fail(avoidance)
        clock.now_s += PAUSE_S
        with pytest.raises(asyncio.CancelledError), avoidance.attempt():
            raise asyncio.CancelledError
        assert fail(avoidance) == "redis_unavailable"

    def test_a_cancelled_call_is_no_failure(self, avoidance: Avoidance) -> None:
        with pytest.raises(asyncio.CancelledError), avoidance.attempt():
            raise asyncio.CancelledError
        assert is_let_through(avoidance)

    def test_an_older_call_does_not_end_a_trial(self, avoidance: Avoidance, clock: Clock) -> None:
        older = ExitStack()
        older.enter_context(avoidance.attempt())
        fail(avoidance)
        clock.now_s += PAUSE_S
        with avoidance.attempt():
            with pytest.raises(asyncio.CancelledError), older:
                raise asyncio.CancelledError
            assert not is_let_through(avoidance)

    def test_is_logged_once_at_each_end(self, avoidance: Avoidance, clock: Clock) -> None:
        with capture_logs() as logs:
            for _ in range(3):
                fail(avoidance)
                clock.now_s += PAUSE_S
            succeed(avoidance)
            succeed(avoidance)
        assert [line["event"] for line in logs] == ["redis_lost", "redis_regained"]
        assert logs[0]["code"] == "redis_unavailable"
