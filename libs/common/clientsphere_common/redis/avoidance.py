"""Stays away from a server that has failed, so that not every request waits for it in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from clientsphere_common.errors import DependencyUnavailableError

log = structlog.get_logger(__name__)


class Avoidance:
    """After a failure no call is let through for `pause_s`, then one at a time until one succeeds.

    A call fails by raising DependencyUnavailableError. One that ends with another exception has
    shown nothing: it may have been cancelled.
    """

    def __init__(self, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._is_closed = False
        self._closed_until_s = 0.0
        self._is_being_tried = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around one call. Raises DependencyUnavailableError when it is not let through."""
        is_trial = self._is_closed
        if is_trial:
            self._begin_trial()
        try:
            yield
        except DependencyUnavailableError as error:
            self._close(error)
            raise
        else:
            self._open()
        finally:
            if is_trial:
                self._is_being_tried = False

    def _begin_trial(self) -> None:
        if self._is_being_tried or self._clock() < self._closed_until_s:
            raise DependencyUnavailableError("redis_avoided", "Redis has not answered lately.")
        self._is_being_tried = True

    def _close(self, error: DependencyUnavailableError) -> None:
        if not self._is_closed:
            log.warning("redis_lost", code=error.code, cause=type(error.__cause__).__name__)
        self._is_closed = True
        self._closed_until_s = self._clock() + self._pause_s

    def _open(self) -> None:
        if self._is_closed:
            log.info("redis_regained")
        self._is_closed = False
