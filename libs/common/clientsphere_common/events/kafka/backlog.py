"""Chooses what is in hand next: one run of events for each key, tenants with less in hand first."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Collection
from itertools import count, islice, takewhile

from clientsphere_common.events.kafka.lane import Delivery

_RUN = 16
"""Events of a key that are in hand together, to be handled one after the other."""


class Backlog:
    """The deliveries that one consumer has read and not settled."""

    def __init__(self) -> None:
        self._keys: dict[str, deque[Delivery]] = {}
        # Tenants in rotation, each with the deliveries that may start, oldest first.
        self._ready: dict[str, dict[Delivery, None]] = {}
        self._suspects: dict[Delivery, None] = {}
        self._waiting: list[tuple[int, int, Delivery]] = []
        self._ticket = count()

    def add(self, delivery: Delivery) -> None:
        queue = self._keys.setdefault(delivery.event.key, deque())
        queue.append(delivery)
        if queue[0] is delivery:
            self._offer(delivery)

    def settle(self, delivery: Delivery) -> None:
        """Forget it, and let the next of its key follow."""
        queue = self._keys.get(delivery.event.key, deque())
        if delivery not in queue:
            return
        was_first = queue[0] is delivery
        queue.remove(delivery)
        if not queue:
            del self._keys[delivery.event.key]
        elif was_first:
            self._offer(queue[0])

    def give_back(self, delivery: Delivery) -> None:
        """It is no longer in hand and may start again, unless its lane was dropped."""
        delivery.is_in_hand = False
        queue = self._keys.get(delivery.event.key)
        if queue and queue[0] is delivery:
            self._offer(delivery)

    def drop(self, lanes: Collection[int]) -> None:
        kept = [
            delivery
            for queue in self._keys.values()
            for delivery in queue
            if delivery.lane not in lanes
        ]
        self._keys, self._ready, self._suspects, self._waiting = {}, {}, {}, []
        for delivery in kept:
            self.add(delivery)

    def claim(self, in_hand: Collection[Delivery], concurrency: int, now_ms: int) -> list[Delivery]:
        """Take in hand what `in_hand` leaves room for, and count the attempts.

        `concurrency` counts keys; what is claimed of a key stands together, in its order. Only one
        suspect is in hand at a time: what takes the process down again has no other beside it, and
        events that only kept it company are not given up with it.
        """
        self._wake(now_ms)
        free = concurrency - len({delivery.event.key for delivery in in_hand})
        claimed: list[Delivery] = []
        if free > 0 and self._suspects and not any(delivery.is_suspect for delivery in in_hand):
            suspect = next(iter(self._suspects))
            del self._suspects[suspect]
            claimed.append(suspect)
            free -= 1
        load = Counter(delivery.event.tenant_id for delivery in (*in_hand, *claimed))
        while self._ready and free > 0:
            tenant_id = min(self._ready, key=load.__getitem__)
            run = self._run(self._take(tenant_id))
            claimed += run
            load[tenant_id] += len(run)
            free -= 1
        for delivery in claimed:
            delivery.attempts += 1
            delivery.is_in_hand = True
        return claimed

    def next_retry_at_ms(self) -> int | None:
        return self._waiting[0][0] if self._waiting else None

    def _offer(self, delivery: Delivery) -> None:
        if delivery.is_in_hand:
            return
        if delivery.is_suspect:
            self._suspects[delivery] = None
        elif delivery.retry_at_ms:
            heapq.heappush(self._waiting, (delivery.retry_at_ms, next(self._ticket), delivery))
        else:
            self._ready.setdefault(delivery.event.tenant_id, {})[delivery] = None

    def _wake(self, now_ms: int) -> None:
        while self._waiting and self._waiting[0][0] <= now_ms:
            _, _, delivery = heapq.heappop(self._waiting)
            delivery.retry_at_ms = 0
            self._offer(delivery)

    def _take(self, tenant_id: str) -> Delivery:
        deliveries = self._ready.pop(tenant_id)
        delivery = next(iter(deliveries))
        del deliveries[delivery]
        if deliveries:
            # At the end again: tenants with the same load take turns.
            self._ready[tenant_id] = deliveries
        return delivery

    def _run(self, first: Delivery) -> list[Delivery]:
        """`first`, and those behind it that nobody has tried: what was tried before goes alone."""
        if not first.is_fresh:
            return [first]
        return list(takewhile(lambda one: one.is_fresh, islice(self._keys[first.event.key], _RUN)))
