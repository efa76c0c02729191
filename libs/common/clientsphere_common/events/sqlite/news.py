"""Wakes the consumers of this process, so that what they wait for needs no polling."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from weakref import WeakSet


class News:
    """One bell for each consumer, rung by topic or for all; a dropped bell is forgotten."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, WeakSet[asyncio.Event]] = defaultdict(WeakSet)

    def new_bell(self, topic: str) -> asyncio.Event:
        bell = asyncio.Event()
        self._bells[topic].add(bell)
        return bell

    def ring(self, topic: str) -> None:
        for bell in self._bells[topic]:
            bell.set()

    def ring_all(self) -> None:
        for topic in self._bells:
            self.ring(topic)
