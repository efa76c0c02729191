"""What services need from an event log, whichever technology keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from clientsphere_common.events.model import DeadLetter, Event, Standing, Subscription


class EventPublisher(Protocol):
    async def publish(self, events: Sequence[Event]) -> None:
        """Store `events` durably before returning; events of one key keep their order.

        An id that its topic already holds is not stored again, so publishing may be repeated
        after a failure, which may have stored a part. Raises DependencyUnavailableError.
        """


class EventConsumer(Protocol):
    """Hands the events of one subscription to its handler, each at least once.

    An event is in hand only after every earlier one of its key was handled or given up. Attempts
    are counted before the handler starts: an event that takes the process down is given up too.
    An outage of what handlers need costs no attempt. A failing event delays only its key. Tenants
    with fewer events in hand go first.
    """

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Begin with what the group has not handled yet; a new group sees all that is kept."""

    async def stop(self) -> None:
        """Take no new events, let those in hand finish within the grace time, cancel the rest.

        What was cancelled is delivered again later, and that attempt does not count.
        """

    async def watch(self) -> None:
        """Wait until the consumer ends; raises what ended it, unless it was stopped."""


class GroupStandings(Protocol):
    async def standings(self) -> list[Standing]:
        """Tell of every group that ever began, by topic and name.

        Raises DependencyUnavailableError.
        """


class EventOperations(GroupStandings, Protocol):
    """What operators ask an event log, also beside the processes that work with it.

    All of it raises DependencyUnavailableError.
    """

    async def lag(self, topic: str, group: str) -> int:
        """Count the events that the group has neither handled nor given up."""

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        """List what the group gave up, oldest event first."""

    async def replay(self, topic: str, group: str, event_ids: Iterable[str]) -> int:
        """Deliver dead letters of the group again, with all attempts, and count them.

        They have lost their place in the order of their key. Other ids are ignored.
        """


class EventSource(Protocol):
    def consumer(self, subscription: Subscription) -> EventConsumer: ...


class EventLog(EventPublisher, EventSource, EventOperations, Protocol):
    async def check(self) -> None:
        """Raises DependencyUnavailableError when the log does not answer."""
