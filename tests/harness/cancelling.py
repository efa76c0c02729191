"""Cancels a task at exactly one of the places where it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context, ContextVar
from functools import partial
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class Waits:
    """Counts how often work begins to wait, and has a task cancelled at the nth time."""

    def __init__(self, nth_wait: int) -> None:
        self._nth_wait = nth_wait
        self.count = 0
        self.task: asyncio.Task[object] | None = None
        """To be cancelled; None: the one that waits."""

    @property
    def was_cancelled(self) -> bool:
        return self.count >= self._nth_wait

    def begin(self) -> None:
        self.count += 1
        task = self.task or asyncio.current_task()
        if self.count == self._nth_wait and task is not None:
            task.cancel()


_ENDS_WITHIN_S = 60.0
_waits: ContextVar[Waits | None] = ContextVar("waits_of_the_tests", default=None)


async def cancelled_within(work: Coroutine[Any, Any, object], nth_wait: int) -> Waits:
    """Run `work` to its end, and cancel it as it, or a task that it started, begins to wait.

    The waits of all these tasks count together; cancelled is always `work`, because libraries do
    not expect that somebody cancels tasks of theirs. Whatever `work` raises is taken for its end.
    """
    waits = Waits(nth_wait)
    loop = asyncio.get_running_loop()
    usual_factory = loop.get_task_factory()
    loop.set_task_factory(_counting_task)
    try:
        waits.task = task = Context().run(_start, work, waits)
        await asyncio.wait({task}, timeout=_ENDS_WITHIN_S)
    finally:
        loop.set_task_factory(usual_factory)
    assert task.done(), f"given up at wait {nth_wait}, it goes on for ever: {asyncio.all_tasks()}"
    if not task.cancelled():
        # Looked at, so that nobody complains that it was not.
        task.exception()
    return waits


def _start(work: Coroutine[Any, Any, object], waits: Waits) -> asyncio.Task[object]:
    _waits.set(waits)
    return asyncio.create_task(work)


def _counting_task(
    loop: asyncio.AbstractEventLoop,
    work: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
    **options: Any,
) -> asyncio.Task[_T]:
    waits = _waits.get()
    if waits is None or not asyncio.iscoroutine(work):
        return asyncio.Task(work, loop=loop, **options)
    task = asyncio.Task(_awaited(CancelledAt(work, waits=waits)), loop=loop, **options)
    # Cancelled before its first step, the task would leave `work` unstarted.
    task.add_done_callback(lambda _: work.close())
    return task


async def _awaited(work: CancelledAt[_T]) -> _T:
    return await work


class CancelledAt(Generic[_T]):
    """Awaits `work`, and cancels the task as `work` begins to wait for the nth time.

    With `waits`, those of other work count too.
    """

    def __init__(
        self, work: Coroutine[Any, Any, _T], nth_wait: int = 0, waits: Waits | None = None
    ) -> None:
        self._work = work
        self._waits = waits or Waits(nth_wait)

    @property
    def was_cancelled(self) -> bool:
        return self._waits.was_cancelled

    def __await__(self) -> Generator[Any, Any, _T]:
        steps = self._work.__await__()
        go_on = partial(next, steps)
        while True:
            try:
                awaited = go_on()
            except StopIteration as end:
                result: _T = end.value
                return result
            self._waits.begin()
            try:
                yield awaited
            # Whatever was thrown is thrown on; most often it is the cancellation.
            except BaseException as error:  # noqa: BLE001
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(next, steps)
