"""The event logs under test: how each is started and how its process dies."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

from clientsphere_common.events.model import Handler, Subscription
from clientsphere_common.events.ports import EventConsumer, EventLog
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from tests.contract.recording_handler import GROUP, TOPIC, eventually


class LogUnderTest(Protocol):
    """An event log, and how its process dies."""

    @property
    def stores_an_id_once(self) -> bool: ...

    @property
    def log(self) -> EventLog: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def crash(self) -> None:
        """Replace `log` by what the next process finds after kill -9; its consumers are gone."""


class SqliteLogUnderTest:
    stores_an_id_once = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lives = [SqliteEventLog(directory / "life-0" / "events.sqlite")]

    @property
    def log(self) -> SqliteEventLog:
        return self._lives[-1]

    async def start(self) -> None:
        await self.log.start()

    async def stop(self) -> None:
        for life in self._lives:
            await life.stop()

    async def crash(self) -> None:
        dead, alive = (self._directory / f"life-{len(self._lives) - n}" for n in (1, 0))
        shutil.copytree(dead, alive)
        self._lives.append(SqliteEventLog(alive / "events.sqlite"))
        await self.log.start()


class Running:
    """Starts consumers on the log under test; the fixture stops what a test leaves running."""

    def __init__(self, under_test: LogUnderTest) -> None:
        self._under_test = under_test
        self._consumers: list[EventConsumer] = []

    @property
    def log(self) -> EventLog:
        return self._under_test.log

    @property
    def stores_an_id_once(self) -> bool:
        return self._under_test.stores_an_id_once

    async def consume(self, handler: Handler, **wishes: Any) -> EventConsumer:
        defaults = {"topic": TOPIC, "group": GROUP, "retry_delay_s": 0.01, "stop_grace_s": 0.0}
        consumer = self.log.consumer(Subscription(handler=handler, **{**defaults, **wishes}))
        await consumer.start()
        self._consumers.append(consumer)
        return consumer

    async def crash(self) -> None:
        await self._under_test.crash()
        await self.stop_consumers()

    async def stop_consumers(self) -> None:
        while self._consumers:
            await self._consumers.pop().stop()

    async def has_given_up(self, *event_ids: str) -> None:
        async def are_dead() -> bool:
            return [letter.event.id for letter in await self.log.dead_letters(TOPIC, GROUP)] == [
                *event_ids
            ]

        await eventually(are_dead)

    async def has_caught_up(self, group: str = GROUP) -> None:
        async def is_done() -> bool:
            return await self.log.lag(TOPIC, group) == 0

        await eventually(is_done)
