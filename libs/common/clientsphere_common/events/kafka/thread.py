"""A thread of its own for blocking Kafka calls, with Kafka's errors translated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kafka.errors import KafkaError

from clientsphere_common.errors import DependencyUnavailableError

T = TypeVar("T")


class KafkaThread:
    """Runs calls one after the other, so that they need no lock."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        """Raises DependencyUnavailableError when Kafka does not answer or refuses."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        except KafkaError as error:
            raise unavailable() from error

    def end(self) -> None:
        self._executor.shutdown(wait=False)


def unavailable() -> DependencyUnavailableError:
    return DependencyUnavailableError("event_log_unavailable", "The event log is not available.")
