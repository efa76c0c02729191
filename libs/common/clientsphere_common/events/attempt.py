"""One attempt at handling an event, the same in every adapter."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from clientsphere_common.errors import DependencyUnavailableError, ServiceError
from clientsphere_common.events.model import Event, Subscription

log = structlog.get_logger(__name__)

_CAUSE_LIMIT = 500


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed.

    `cause` begins with the class of the error and a colon. `retry_after_s` is what the handler
    asked for, 0 when it did not ask. `is_outage` says that something which the handler needs was
    away: no fault of the event, and no reason to give it up.
    """

    cause: str
    retry_after_s: float = 0.0
    is_outage: bool = False


async def attempt(subscription: Subscription, event: Event) -> Failure | None:
    """Run the handler once and tell its failure, whatever it was.

    Raises CancelledError only when the calling task is being cancelled.
    """
    try:
        async with asyncio.timeout(subscription.handler_timeout_s) as limit:
            await subscription.handler(event)
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        return _failure(error)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything; the loop goes on
        if limit.expired():
            return Failure(f"TimeoutError: not done after {subscription.handler_timeout_s:g} s")
        return _failure(error)
    return None


def delay_before_retry_s(
    subscription: Subscription, attempts: int, failure: Failure
) -> float | None:
    """Double the delay with each failed attempt; None when the event is to be given up.

    Never come back before the handler asked to. In an outage the delay stays the same, so that
    everything goes on soon after it, however long it was.
    """
    if failure.is_outage:
        return max(subscription.outage_delay_s, failure.retry_after_s)
    if attempts >= subscription.max_attempts:
        return None
    backoff_s: float = subscription.retry_delay_s * 2 ** (attempts - 1)
    return max(backoff_s, failure.retry_after_s)


@dataclass(frozen=True)
class Outcome:
    """How the attempt number `attempts` ended: without a cause the event was handled."""

    event: Event
    attempts: int
    cause: str | None
    is_given_up: bool


def log_outcome(consumer: str, outcome: Outcome) -> None:
    facts = {
        "consumer": consumer,
        "event_id": outcome.event.id,
        "event_type": outcome.event.type,
        "tenant": outcome.event.tenant_id,
        "attempts": outcome.attempts,
    }
    if outcome.cause is None:
        log.debug("event_handled", **facts)
        return
    cause_class = outcome.cause.partition(":")[0]
    if outcome.is_given_up:
        log.error("event_dead_lettered", cause_class=cause_class, **facts)
    else:
        log.warning("event_retried", cause_class=cause_class, **facts)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failure(error: BaseException) -> Failure:
    cause = f"{type(error).__name__}: {error}"[:_CAUSE_LIMIT]
    retry_after_s = error.retry_after_s if isinstance(error, ServiceError) else 0.0
    return Failure(cause, retry_after_s, isinstance(error, DependencyUnavailableError))
