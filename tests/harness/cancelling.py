"""Cancels a task at exactly one of the places where it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class CancelledAt(Generic[_T]):
    """Awaits `work`, and cancels the task as `work` begins to wait for the nth time."""

    def __init__(self, work: Coroutine[Any, Any, _T], nth_wait: int) -> None:
        self._work = work
        self._nth_wait = nth_wait
        self.waits = 0

    @property
    def was_cancelled(self) -> bool:
        return self.waits >= self._nth_wait

    def __await__(self) -> Generator[Any, Any, _T]:
        steps = self._work.__await__()
        go_on = partial(next, steps)
        while True:
            try:
                awaited = go_on()
            except StopIteration as end:
                result: _T = end.value
                return result
            self.waits += 1
            task = asyncio.current_task()
            if self.waits == self._nth_wait and task is not None:
                task.cancel()
            try:
                yield awaited
            # Whatever was thrown is thrown on; most often it is the cancellation.
            except BaseException as error:  # noqa: BLE001
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(next, steps)
