"""Receivers of webhooks in memory: they remember what they got, and answer as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.webhooks.model import Answer


@dataclass(frozen=True)
class Received:
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeReceivers:
    answers: dict[str, Answer] = field(default_factory=dict)
    """By URL; those that are not here accept."""
    hanging: dict[str, asyncio.Event] = field(default_factory=dict)
    """By URL; such a receiver answers when its event is set."""
    received: list[Received] = field(default_factory=list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.received.append(Received(url, headers, body))
        if url in self.hanging:
            await self.hanging[url].wait()
        return self.answers.get(url, Answer.of_status(204))
