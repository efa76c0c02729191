"""Remembers what was published, and fails when told to."""

from __future__ import annotations

from collections.abc import Sequence

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Event


class FakeEventPublisher:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_away = False

    async def publish(self, events: Sequence[Event]) -> None:
        if self.is_away:
            raise DependencyUnavailableError("event_log_unavailable", "The event log is away.")
        known = {event.id for event in self.events}
        self.events.extend(event for event in events if event.id not in known)

    def types(self, topic: str) -> list[str]:
        return [event.type for event in self.events if event.topic == topic]
