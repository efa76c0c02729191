"""A process that works on an event log until it is killed, and writes down what it did.

    python crash_program.py DIRECTORY LIFE work|drain|poison

Its journals are appended with single writes, so a kill can cut them off but not tear a line.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sys
from pathlib import Path

from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.sqlite.consumer import SqliteEventConsumer
from clientsphere_common.events.sqlite.event_log import SqliteEventLog

TOPIC = "documents"
GROUPS = ("indexing", "auditing")
KEYS = ("a", "b", "c", "d", "e")
MAX_BACKLOG = 100
UNLIMITED_ATTEMPTS = 1000


class Journal:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def write(self, *words: object) -> None:
        os.write(self._file, " ".join(map(str, words)).encode() + b"\n")

    def lines(self) -> list[str]:
        return self._path.read_text().splitlines()


class Program:
    def __init__(self, directory: Path, life: int) -> None:
        self._life = life
        self._random = random.Random(life)
        self._attempts = Journal(directory / "attempts.txt")
        self._acknowledged = Journal(directory / "acknowledged.txt")
        self._log = SqliteEventLog(directory / "events.sqlite")

    async def run(self, mode: str) -> None:
        await self._log.start()
        max_attempts = 3 if mode == "poison" else UNLIMITED_ATTEMPTS
        consumers = [self._consumer(group, max_attempts) for group in GROUPS]
        for consumer in consumers:
            await consumer.start()
        if mode == "poison":
            await self._log.publish([_event(key, 0) for key in ("a", "poison", "poison-next")])
        if mode == "work":
            await self._publish_for_ever()
        await self._let_the_groups_catch_up(0)
        for consumer in consumers:
            await consumer.stop()
        await self._log.stop()

    async def _publish_for_ever(self) -> None:
        """Go on after the last acknowledged event, so one that was only stored comes again."""
        acknowledged = self._acknowledged.lines()
        counts = {
            key: itertools.count(sum(line.startswith(f"{key}-") for line in acknowledged))
            for key in KEYS
        }
        while True:
            keys = self._random.choices(KEYS, k=self._random.randint(1, 4))
            events = [_event(key, next(counts[key])) for key in keys]
            await self._log.publish(events)
            for event in events:
                self._acknowledged.write(event.id)
            await self._let_the_groups_catch_up(MAX_BACKLOG)

    async def _let_the_groups_catch_up(self, backlog: int) -> None:
        while any([await self._log.lag(TOPIC, group) > backlog for group in GROUPS]):
            await asyncio.sleep(0.001)

    def _consumer(self, group: str, max_attempts: int) -> SqliteEventConsumer:
        async def handle(event: Event) -> None:
            self._attempts.write(self._life, group, "started", event.id)
            if event.id == "poison-0":
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.sleep(self._random.uniform(0, 0.004))
            if self._random.random() < 0.05:
                raise ValueError("a failure now and then")
            self._attempts.write(self._life, group, "handled", event.id)

        return self._log.consumer(
            Subscription(TOPIC, group, handle, max_attempts=max_attempts, retry_delay_s=0.002)
        )


def _event(key: str, number: int) -> Event:
    return Event(f"{key}-{number}", TOPIC, key, "DocumentUploaded", f"tenant-{key}", b"", 0)


if __name__ == "__main__":
    asyncio.run(Program(Path(sys.argv[1]), int(sys.argv[2])).run(sys.argv[3]))
