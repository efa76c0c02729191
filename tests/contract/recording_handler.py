"""A handler that remembers what it was given, and the few words that event-log tests share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Event

TOPIC = "documents"
GROUP = "indexing"
PATIENCE_S = 30.0


def new_event(event_id: str, *, key: str = "document-1", tenant_id: str = "acme") -> Event:
    return Event(
        id=event_id,
        topic=TOPIC,
        key=key,
        type="DocumentUploaded",
        tenant_id=tenant_id,
        payload=event_id.encode(),
        occurred_at_ms=1_760_000_000_000,
        headers={"request-id": f"request-of-{event_id}"},
    )


class RecordingHandler:
    """Fails the first attempts at the ids in `failures`, hangs on the ids in `hanging`.

    Before that, as many attempts as `outages` says miss something that the handler needs.
    """

    def __init__(
        self,
        failures: Mapping[str, int] | None = None,
        hanging: frozenset[str] = frozenset(),
        outages: Mapping[str, int] | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.started: list[str] = []
        self.handled: list[str] = []
        self._failures_left = Counter(failures or {})
        self._hanging = hanging
        self._outages_left = Counter(outages or {})

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.started.append(event.id)
        if event.id in self._hanging:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if self._outages_left[event.id] > 0:
            self._outages_left[event.id] -= 1
            raise DependencyUnavailableError("index_unavailable", "The index is away.")
        if self._failures_left[event.id] > 0:
            self._failures_left[event.id] -= 1
            raise ValueError(f"{event.id} is broken")
        self.handled.append(event.id)

    async def has_started(self, *event_ids: str) -> None:
        await eventually(lambda: set(event_ids) <= set(self.started))

    async def has_handled(self, *event_ids: str) -> None:
        await eventually(lambda: set(event_ids) <= set(self.handled))


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until `condition` holds; a condition that never does fails the test."""
    async with asyncio.timeout(PATIENCE_S):
        while not await _holds(condition):
            await asyncio.sleep(0.005)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    verdict = condition()
    return verdict if isinstance(verdict, bool) else await verdict
