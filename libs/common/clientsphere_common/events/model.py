"""The words of the event log: what is published, who listens, what was given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Something that happened.

    `id` is unique within its topic. Events of one `key` are handled in the order they were
    published. `headers` carry what belongs to the request behind it (request id, trace context).
    """

    id: str
    topic: str
    key: str
    type: str
    tenant_id: str
    payload: bytes = field(repr=False)
    occurred_at_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """How one group wants the events of one topic.

    `handler` may see an event more than once, runs in a task of its own, must let a cancellation
    pass, and fails by raising. `concurrency` counts events of different keys in hand together.
    After a failure the event is tried again after `retry_delay_s`, then twice that, and so on,
    but not before the `retry_after_s` of a ServiceError. Attempts that end in a
    DependencyUnavailableError do not count: the event is tried every `outage_delay_s`, for as long
    as the outage lasts.
    `stop_grace_s` is what events in hand get to finish when the consumer stops.
    """

    topic: str
    group: str
    handler: Handler
    concurrency: int = 8
    max_attempts: int = 3
    handler_timeout_s: float = 60.0
    retry_delay_s: float = 1.0
    outage_delay_s: float = 2.0
    stop_grace_s: float = 20.0

    def __post_init__(self) -> None:
        if "." in self.topic:
            raise ValueError(f"a topic's name has no dot, got {self.topic!r}")
        if self.concurrency < 1 or self.max_attempts < 1:
            raise ValueError(
                "concurrency and max_attempts must be at least 1, "
                f"got {self.concurrency} and {self.max_attempts}"
            )


@dataclass(frozen=True)
class DeadLetter:
    """An event that a group gave up after `attempts`; `cause` tells of the last one."""

    event: Event
    attempts: int
    cause: str
    failed_at_ms: int


@dataclass(frozen=True)
class Standing:
    """How far a group is with its topic."""

    topic: str
    group: str
    lag: int
    """Events that it has neither handled nor given up."""
    oldest_published_at_ms: int | None
    """When the oldest of them was published; None when there is none."""
    dead_letters: int
