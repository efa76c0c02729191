"""Remembers what was published, fails when told to, and has nothing for its consumers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.ports import EventConsumer


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

    def consumer(self, subscription: Subscription) -> EventConsumer:
        return _IdleConsumer()


class _IdleConsumer:
    name = "idle"

    async def start(self) -> None:
        """Nothing will come."""

    async def stop(self) -> None:
        """Nothing is in hand."""

    async def watch(self) -> None:
        await asyncio.Event().wait()
