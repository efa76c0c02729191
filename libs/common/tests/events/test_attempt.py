"""One attempt at an event: whatever a handler does, its consumer learns it."""

from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.errors import DependencyUnavailableError, LimitExceededError
from clientsphere_common.events.attempt import Failure, attempt, delay_before_retry_s
from clientsphere_common.events.model import Event, Handler, Subscription
from tests.contract.recording_handler import new_event


def subscription(handler: Handler, *, handler_timeout_s: float = 30.0) -> Subscription:
    return Subscription(
        "documents", "indexing", handler, handler_timeout_s=handler_timeout_s, retry_delay_s=2.0
    )


def raising(error: BaseException) -> Subscription:
    async def handler(_: Event) -> None:
        raise error

    return subscription(handler)


async def hang(_: Event) -> None:
    await asyncio.Event().wait()


async def succeed(_: Event) -> None:
    return


class TestAttempt:
    async def test_a_handler_that_returns_has_not_failed(self) -> None:
        assert await attempt(subscription(succeed), new_event("evt-1")) is None

    async def test_the_cause_names_the_error_and_its_message(self) -> None:
        failure = await attempt(raising(KeyError("page")), new_event("evt-1"))
        assert failure == Failure("KeyError: 'page'")

    async def test_a_long_message_is_cut(self) -> None:
        failure = await attempt(raising(ValueError("x" * 10_000)), new_event("evt-1"))
        assert failure is not None
        assert len(failure.cause) == 500

    async def test_a_service_error_may_say_when_to_come_back(self) -> None:
        error = LimitExceededError("too_many_calls", "Slow down.", retry_after_s=40.0)
        failure = await attempt(raising(error), new_event("evt-1"))
        assert failure == Failure("LimitExceededError: Slow down.", retry_after_s=40.0)

    async def test_an_outage_is_told_from_a_failure(self) -> None:
        error = DependencyUnavailableError("index_unavailable", "The index is away.")
        failure = await attempt(raising(error), new_event("evt-1"))
        assert failure is not None
        assert failure.is_outage

    async def test_a_handler_that_takes_too_long_has_failed(self) -> None:
        failure = await attempt(subscription(hang, handler_timeout_s=0.01), new_event("evt-1"))
        assert failure == Failure("TimeoutError: not done after 0.01 s")

    async def test_a_timeout_inside_the_handler_keeps_its_own_message(self) -> None:
        failure = await attempt(raising(TimeoutError("upstream")), new_event("evt-1"))
        assert failure == Failure("TimeoutError: upstream")

    async def test_a_cancellation_from_inside_the_handler_is_a_failure(self) -> None:
        failure = await attempt(raising(asyncio.CancelledError("inner")), new_event("evt-1"))
        assert failure == Failure("CancelledError: inner")

    async def test_a_cancellation_from_outside_passes(self) -> None:
        task = asyncio.create_task(attempt(subscription(hang), new_event("evt-1")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


class TestDelayBeforeRetry:
    @pytest.mark.parametrize(("attempts", "delay_s"), [(1, 2.0), (2, 4.0), (3, None)])
    def test_doubles_with_each_failed_attempt_up_to_the_last(
        self, attempts: int, delay_s: float | None
    ) -> None:
        assert delay_before_retry_s(subscription(succeed), attempts, Failure("x")) == delay_s

    def test_is_never_shorter_than_the_handler_asked_for(self) -> None:
        failure = Failure("LimitExceededError: Slow down.", retry_after_s=40.0)
        assert delay_before_retry_s(subscription(succeed), 1, failure) == 40.0

    @pytest.mark.parametrize("attempts", [1, 3, 99])
    def test_stays_the_same_in_an_outage(self, attempts: int) -> None:
        outage = Failure("DependencyUnavailableError: The index is away.", is_outage=True)
        wishes = subscription(succeed)
        assert delay_before_retry_s(wishes, attempts, outage) == wishes.outage_delay_s


class TestSubscription:
    @pytest.mark.parametrize("wishes", [{"concurrency": 0}, {"max_attempts": 0}])
    def test_refuses_what_would_never_handle_anything(self, wishes: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="must be at least 1"):
            Subscription("documents", "indexing", succeed, **wishes)


class TestEvent:
    def test_does_not_show_its_payload(self) -> None:
        assert "payload" not in repr(new_event("evt-1"))
