"""kill -9 of a process in the middle of an event: another one of its group goes on."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest

from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.ports import EventOperations
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.events.sqlite.events import SCHEMA
from clientsphere_common.events.sqlite.file import SqliteFile
from clientsphere_common.events.sqlite.operations import SqliteEventOperations
from tests.contract.consumer_program import MAX_ATTEMPTS, open_log
from tests.contract.kafka_event_log import settings_for_tests
from tests.contract.recording_handler import GROUP, TOPIC, eventually, new_event
from tests.harness.modules import running

KILLED = -signal.SIGKILL
KEYS = ("a", "b", "c", "d", "e", "f")
EVENTS_PER_KEY = 10


@dataclass(frozen=True)
class Step:
    pid: int
    step: str
    key: str
    event_id: str


@dataclass
class Group:
    """Processes of one group, on a log that the test looks at from outside."""

    location: str
    journal: Path
    _processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start_process(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.contract.consumer_program", self.location, str(self.journal)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process

    async def kill_all(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def publish(self, *ids_and_keys: tuple[str, str]) -> None:
        log: SqliteEventLog | KafkaEventLog = open_log(self.location)
        async with running(log):
            await log.publish([new_event(event_id, key=key) for event_id, key in ids_and_keys])

    def operations(self) -> SqliteEventOperations | KafkaEventLog:
        if self.location.startswith("/"):
            return SqliteEventOperations(SqliteFile(Path(self.location), SCHEMA, is_owner=False))
        address, _, prefix = self.location.partition("/")
        return KafkaEventLog(settings_for_tests(address, None, prefix))

    def steps(self) -> list[Step]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [Step(int(pid), *words) for pid, *words in map(str.split, lines)]

    async def has_begun(self, event_id: str) -> int:
        """Return the process that has it in hand."""

        def starts() -> list[int]:
            return [one.pid for one in self.steps() if one.event_id == event_id]

        await eventually(lambda: bool(starts()))
        return starts()[-1]

    async def has_caught_up(self) -> None:
        async with AsyncExitStack() as stack:
            operations: EventOperations = await _started(self.operations(), stack)

            async def is_done() -> bool:
                return await operations.lag(TOPIC, GROUP) == 0

            await eventually(is_done)


async def _started(
    operations: SqliteEventOperations | KafkaEventLog, stack: AsyncExitStack
) -> EventOperations:
    await stack.enter_async_context(running(operations))
    return operations


@pytest.fixture(params=["sqlite", "kafka"])
async def group(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Group]:
    location = str(tmp_path / "events.db")
    if request.param == "kafka":
        address = request.getfixturevalue("kafka_address")
        location = f"{address}/test-{secrets.token_hex(4)}."
    group = Group(location, tmp_path / "journal.txt")
    yield group
    await group.kill_all()


class TestKilledInTheMiddleOfAnEvent:
    async def test_another_goes_on_with_it_and_nothing_is_lost(self, group: Group) -> None:
        numbered = [(f"{key}-{n}", key) for n in range(EVENTS_PER_KEY) for key in KEYS]
        await group.publish(("slow", "s"), ("s-1", "s"), *numbered)
        for _ in range(2):
            await group.start_process()
        victim = await group.has_begun("slow")
        os.kill(victim, signal.SIGKILL)
        await group.has_caught_up()
        steps = group.steps()
        handled = [one for one in steps if one.step == "handled"]
        assert {one.event_id for one in handled} == {"slow", "s-1", *dict(numbered)}
        assert [one.pid != victim for one in handled if one.event_id == "slow"] == [True]
        assert_every_key_kept_its_order(handled)
        assert_only_what_was_in_hand_came_again(steps, victim)

    async def test_an_event_that_kills_each_of_them_is_given_up(self, group: Group) -> None:
        await group.publish(("poison", "a"), ("next", "a"), ("other", "b"))
        for _ in range(MAX_ATTEMPTS):
            process = await group.start_process()
            assert await asyncio.wait_for(process.wait(), timeout=60) == KILLED
        await group.start_process()
        await group.has_caught_up()
        steps = group.steps()
        assert [one.step for one in steps if one.event_id == "poison"] == ["started"] * MAX_ATTEMPTS
        assert {one.event_id for one in steps if one.step == "handled"} == {"next", "other"}
        async with AsyncExitStack() as stack:
            operations = await _started(group.operations(), stack)
            (letter,) = await operations.dead_letters(TOPIC, GROUP)
        assert (letter.event.id, letter.attempts) == ("poison", MAX_ATTEMPTS)
        assert letter.cause.startswith("ProcessDied: ")


def assert_every_key_kept_its_order(handled: list[Step]) -> None:
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for one in handled:
        by_key[one.key].append(one.event_id)
    for key in KEYS:
        in_order = [event_id for event_id, _ in groupby(by_key[key])]
        assert in_order == [f"{key}-{n}" for n in range(EVENTS_PER_KEY)]


def assert_only_what_was_in_hand_came_again(steps: list[Step], victim: int) -> None:
    """The victim cannot tell how far it came after its last record: at most one event a key."""
    for key in KEYS:
        handled_by_victim = [
            one.event_id
            for one in steps
            if (one.key, one.pid, one.step) == (key, victim, "handled")
        ]
        again = [
            one.event_id
            for one in steps
            if one.key == key and one.pid != victim and one.event_id in handled_by_victim
        ]
        assert set(again) <= set(handled_by_victim[-1:])
