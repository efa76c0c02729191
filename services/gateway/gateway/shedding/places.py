"""How many requests may be worked on at once: as many as the event loop can keep up with."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.shedding.priorities import Priority

_LESS = 0.8
_MORE = 1.25


@dataclass(frozen=True)
class PlaceBounds:
    most: int = 500
    least: int = 50
    """However late the event loop is: what delays it need not be the requests."""


class Places:
    """Nobody waits for one: the event loop and the sockets before it are queue enough."""

    def __init__(self, bounds: PlaceBounds) -> None:
        self._bounds = bounds
        self._exact = float(bounds.most)
        self.taken = 0

    @property
    def count(self) -> int:
        return round(self._exact)

    def has_one_for(self, priority: Priority) -> bool:
        return priority.share is None or self.taken < self._exact * priority.share

    def adapt(self, *, is_late: bool) -> None:
        """To be told regularly whether the event loop has been late all the time since."""
        # Fewer than are taken now, or it would change nothing.
        wanted = min(self._exact, self.taken) * _LESS if is_late else self._exact * _MORE
        self._exact = min(max(wanted, self._bounds.least), self._bounds.most)
