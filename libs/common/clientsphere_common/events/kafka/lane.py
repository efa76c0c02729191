"""What the owner of a partition knows: what is handled, what was tried, which ids it has seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from clientsphere_common.events.model import Event

SourceName = Literal["main", "retry"]
SOURCES: tuple[SourceName, SourceName] = ("main", "retry")


@dataclass(eq=False)
class Delivery:
    """An event on its way through this process.

    `attempts` counts the one under way; a suspect was in hand when its owner disappeared.
    """

    event: Event
    lane: int
    source: SourceName
    offset: int
    published_at_us: int
    attempts: int = 0
    retry_at_ms: int = 0
    is_suspect: bool = False
    is_in_hand: bool = False

    @property
    def is_fresh(self) -> bool:
        """Nobody has tried it."""
        return not self.attempts and not self.is_suspect

    @property
    def may_be_fatal(self) -> bool:
        return self.is_in_hand or self.is_suspect


@dataclass(frozen=True)
class Tried:
    """What is left of a delivery in the record of the progress."""

    attempts: int
    retry_at_ms: int
    is_in_hand: bool


@dataclass
class Source:
    """Progress in one partition: everything before `mark` is handled, and `handled` beyond it."""

    mark: int
    handled: set[int] = field(default_factory=set)
    tried: dict[int, Tried] = field(default_factory=dict)
    pending: dict[int, Delivery] = field(default_factory=dict)
    position: int = 0

    @classmethod
    def from_record(cls, stored: dict[str, Any], oldest_offset: int) -> Source:
        bits = int(stored["handled"], 16)
        handled = {stored["mark"] + n for n in range(bits.bit_length()) if bits >> n & 1}
        mark = max(stored["mark"], oldest_offset)
        return cls(
            mark,
            {offset for offset in handled if offset >= mark},
            {offset: Tried(*facts) for offset, *facts in stored["tried"]},
        )

    def to_record(self) -> dict[str, Any]:
        return {
            "mark": self.mark,
            "handled": f"{sum(1 << offset - self.mark for offset in self.handled):x}",
            "tried": [
                [entry.offset, entry.attempts, entry.retry_at_ms, entry.may_be_fatal]
                for entry in self.pending.values()
                if entry.attempts
            ]
            # Not read again yet since the partition came here.
            + [
                [offset, tried.attempts, tried.retry_at_ms, tried.is_in_hand]
                for offset, tried in self.tried.items()
            ],
        }

    def lag(self, end_offset: int) -> int:
        return max(0, end_offset - self.mark - len(self.handled))

    @property
    def read_ahead(self) -> int:
        return self.position - self.mark

    def is_open(self, offset: int) -> bool:
        """Tell whether the event at `offset` waits to be handled, and note that it was read."""
        if offset < self.mark or offset < self.position:
            return False
        self.position = offset + 1
        if offset in self.handled:
            self._advance()
            return False
        return True

    def take(self, delivery: Delivery) -> None:
        tried = self.tried.pop(delivery.offset, None)
        if tried is not None:
            delivery.attempts = tried.attempts
            delivery.retry_at_ms = tried.retry_at_ms
            delivery.is_suspect = tried.is_in_hand
        self.pending[delivery.offset] = delivery

    def settle(self, offset: int) -> None:
        self.pending.pop(offset, None)
        self.handled.add(offset)
        self._advance()

    def _advance(self) -> None:
        mark = max(self.mark, next(iter(self.pending), self.position))
        for offset in range(self.mark, mark):
            self.handled.discard(offset)
            self.tried.pop(offset, None)
        self.mark = mark


class Lane:
    """One partition of the topic and the same one of its retry topic, owned by one consumer."""

    def __init__(self, number: int, sources: dict[SourceName, Source], window: int) -> None:
        self.number = number
        self.sources = sources
        self.is_dirty = False
        self._window = window
        self._seen_ids: dict[str, int] = {}

    @classmethod
    def from_record(
        cls, number: int, value: bytes | None, oldest: dict[SourceName, int], window: int
    ) -> Lane:
        """Restore what the last owner recorded; without a record, begin with the oldest event."""
        stored = json.loads(value) if value else {}
        return cls(
            number,
            {
                name: Source.from_record(stored[name], oldest[name])
                if name in stored
                else Source(oldest[name])
                for name in SOURCES
            },
            window,
        )

    def to_record(self) -> bytes:
        sources = {name: source.to_record() for name, source in self.sources.items()}
        return json.dumps(sources, separators=(",", ":")).encode()

    def read_from(self, name: SourceName, oldest_offset: int) -> int:
        """Where to begin reading: the ids of what was handled last are read once more."""
        back = self._window if name == "main" else 0
        return max(oldest_offset, self.sources[name].mark - back)

    def is_full(self, name: SourceName) -> bool:
        return self.sources[name].read_ahead >= self._window

    def receive(self, delivery: Delivery) -> bool:
        """Take an event that was read; False when it needs no handling."""
        source = self.sources[delivery.source]
        is_repeated = delivery.source == "main" and self._is_repeated(delivery)
        if is_repeated:
            self.skip(delivery.source, delivery.offset)
            return False
        if not source.is_open(delivery.offset):
            return False
        source.take(delivery)
        return True

    def skip(self, name: SourceName, offset: int) -> None:
        if self.sources[name].is_open(offset):
            self.sources[name].settle(offset)
            self.is_dirty = True

    def settle(self, delivery: Delivery) -> None:
        self.sources[delivery.source].settle(delivery.offset)
        self.is_dirty = True

    def _is_repeated(self, delivery: Delivery) -> bool:
        first_offset = self._seen_ids.setdefault(delivery.event.id, delivery.offset)
        if len(self._seen_ids) > 2 * self._window:
            del self._seen_ids[next(iter(self._seen_ids))]
        return first_offset < delivery.offset
