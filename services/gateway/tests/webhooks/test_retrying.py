"""When deliveries are tried again, and when their webhooks rest or end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.webhooks.catalogue import TEST, new_notification
from gateway.webhooks.model import (
    Answer,
    ClaimedDelivery,
    DeliveryState,
    DisabledReason,
    FailureReason,
    SealedSecrets,
)
from gateway.webhooks.retrying import MAX_ATTEMPTS, Health, health_after, judge

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ACCEPTED = Answer.of_status(204)
REFUSED = Answer.of_status(503)
DAYS = timedelta(days=5)


def claimed(attempt: int = 1, event_type: str = "document.ready") -> ClaimedDelivery:
    told = new_notification("evt_1", "tnt_a", event_type, NOW, {})
    return ClaimedDelivery(
        "whd_1", "tnt_a", "whk_1", attempt, attempt, told, "", SealedSecrets(b""), False
    )


def delay_after(attempt: int, jitter: float) -> timedelta:
    verdict = judge(claimed(attempt), REFUSED, NOW, lambda _low, _high: jitter)
    assert verdict.state is DeliveryState.PENDING
    assert verdict.next_attempt_at is not None
    return verdict.next_attempt_at - NOW


class TestJudge:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_any_2xx_is_delivered(self, status: int) -> None:
        verdict = judge(claimed(), Answer.of_status(status), NOW)
        assert (verdict.state, verdict.next_attempt_at) == (DeliveryState.DELIVERED, None)

    def test_a_failure_is_tried_again_after_three_times_as_long(self) -> None:
        delays = [delay_after(attempt, 1.0) for attempt in (1, 2, 3)]
        assert delays == [timedelta(seconds=one) for one in (9, 27, 81)]

    def test_it_goes_on_for_about_a_day(self) -> None:
        of_all = sum((delay_after(n, 1.0) for n in range(1, MAX_ATTEMPTS)), timedelta())
        assert timedelta(hours=24) < of_all < timedelta(hours=25)

    def test_not_all_come_back_at_the_same_moment(self) -> None:
        waits = {judge(claimed(), REFUSED, NOW).next_attempt_at for _ in range(20)}
        assert len(waits) > 1
        low, high = timedelta(seconds=7.2), timedelta(seconds=10.8)
        assert all(low <= at - NOW <= high for at in waits if at)

    def test_the_last_failure_is_the_end(self) -> None:
        verdict = judge(claimed(MAX_ATTEMPTS), REFUSED, NOW)
        assert (verdict.state, verdict.next_attempt_at) == (DeliveryState.DEAD, None)

    def test_a_test_is_sent_once(self) -> None:
        assert judge(claimed(1, TEST), REFUSED, NOW).state is DeliveryState.DEAD


class TestHealthAfter:
    def test_a_receiver_that_refuses_rests_longer_each_time(self) -> None:
        health, rests = Health(), []
        for _ in range(10):
            health = health_after(health, REFUSED, NOW, DAYS)
            assert health.rests_until is not None
            rests.append((health.rests_until - NOW).total_seconds())
        assert rests == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]

    def test_one_that_accepts_is_well_at_once(self) -> None:
        assert health_after(Health(9, NOW, NOW), ACCEPTED, NOW, DAYS) == Health()

    def test_one_that_refuses_for_days_is_disabled(self) -> None:
        before = Health(50, NOW - DAYS, NOW)
        assert health_after(before, REFUSED, NOW, DAYS).disabled is DisabledReason.FAILING
        sooner = Health(50, NOW - DAYS + timedelta(seconds=1), NOW)
        assert health_after(sooner, REFUSED, NOW, DAYS).disabled is None

    def test_one_that_was_hardly_asked_in_these_days_is_not(self) -> None:
        assert health_after(Health(1, NOW - 2 * DAYS, NOW), REFUSED, NOW, DAYS).disabled is None

    def test_one_that_is_gone_is_disabled_at_once(self) -> None:
        health = health_after(Health(), Answer.of_status(410), NOW, DAYS)
        assert health.disabled is DisabledReason.GONE

    def test_our_own_failures_are_not_the_receivers(self) -> None:
        ours = Answer(None, FailureReason.SECRET_UNREADABLE)
        assert health_after(Health(), ours, NOW, DAYS) == Health()
