"""When a delivery is tried again, when it is given up, and when its webhook rests."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.webhooks.catalogue import TEST
from gateway.webhooks.model import (
    Answer,
    ClaimedDelivery,
    DeliveryState,
    DisabledReason,
    FailureReason,
)

_FIRST_DELAY = timedelta(seconds=9)
_GROWTH = 3
MAX_ATTEMPTS = 10
"""With the delays between them (9 s, 27 s, … 16.4 h) about 25 hours."""
_JITTER = 0.2
_LONGEST_REST = timedelta(minutes=5)
_FAILURES_UNTIL_LONGEST = 9
_LEAST_FAILURES = 10
_GONE = 410


@dataclass(frozen=True)
class Verdict:
    """What becomes of a delivery after an attempt."""

    state: DeliveryState
    answer: Answer
    at: datetime
    next_attempt_at: datetime | None = None


@dataclass(frozen=True)
class Health:
    """What is known of a receiver from the attempts so far."""

    failures_in_row: int = 0
    failing_since: datetime | None = None
    rests_until: datetime | None = None
    disabled: DisabledReason | None = None


def judge(
    claimed: ClaimedDelivery,
    answer: Answer,
    at: datetime,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Verdict:
    if answer.reason is None:
        return Verdict(DeliveryState.DELIVERED, answer, at)
    most = 1 if claimed.notification.type == TEST else MAX_ATTEMPTS
    if claimed.attempt >= most:
        return Verdict(DeliveryState.DEAD, answer, at)
    delay = _FIRST_DELAY * _GROWTH ** (claimed.attempt - 1)
    return Verdict(
        DeliveryState.PENDING, answer, at, at + delay * uniform(1 - _JITTER, 1 + _JITTER)
    )


def health_after(before: Health, answer: Answer, at: datetime, disable_after: timedelta) -> Health:
    """One that accepts is well again at once; one that does not rests twice as long each time.

    It rests as a whole: a thousand deliveries to a receiver that is away cost one attempt, not
    a thousand.
    """
    if answer.reason is None:
        return Health()
    if answer.reason is FailureReason.SECRET_UNREADABLE:
        return before
    failures = before.failures_in_row + 1
    since = before.failing_since or at
    disabled = None
    if answer.status == _GONE:
        disabled = DisabledReason.GONE
    elif failures >= _LEAST_FAILURES and at - since >= disable_after:
        disabled = DisabledReason.FAILING
    rest = timedelta(seconds=2 ** min(failures, _FAILURES_UNTIL_LONGEST))
    return Health(failures, since, at + min(rest, _LONGEST_REST), disabled)
