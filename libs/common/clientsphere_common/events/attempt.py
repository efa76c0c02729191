"""One attempt at handling an event, the same in every adapter."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clientsphere_common.errors import ServiceError
from clientsphere_common.events.model import Event, Subscription

_CAUSE_LIMIT = 500


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed.

    `cause` begins with the class of the error and a colon. `retry_after_s` is what the handler
    asked for, 0 when it did not ask.
    """

    cause: str
    retry_after_s: float = 0.0


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


def delay_before_retry_s(subscription: Subscription, attempts: int, failure: Failure) -> float:
    """Double the delay with each failed attempt; never come back before the handler asked to."""
    backoff_s: float = subscription.retry_delay_s * 2 ** (attempts - 1)
    return max(backoff_s, failure.retry_after_s)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failure(error: BaseException) -> Failure:
    cause = f"{type(error).__name__}: {error}"[:_CAUSE_LIMIT]
    retry_after_s = error.retry_after_s if isinstance(error, ServiceError) else 0.0
    return Failure(cause, retry_after_s)
