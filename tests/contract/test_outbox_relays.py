"""Several processes of a service on one outbox: nothing is lost, and every key keeps its order."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from tests.contract.outbox_table import Base, Outbox, numbered, waiting, write
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, eventually
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running

KILLED = -signal.SIGKILL
KEYS = [f"doc_{n}" for n in range(20)]
EVENTS_PER_KEY = 50


class SharedLog:
    """Where all relays publish; notices when two of them do at once."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.at_once = 0
        self._publishing = 0

    async def publish(self, events: Sequence[Event]) -> None:
        self._publishing += 1
        self.at_once = max(self.at_once, self._publishing)
        for event in events:
            await asyncio.sleep(0)
            self.published.append(event)
        self._publishing -= 1

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.published]


class StuckLog:
    """Whoever publishes to it hangs until it is let go, in vain."""

    def __init__(self) -> None:
        self.is_called = asyncio.Event()
        self.lets_go = asyncio.Event()

    async def publish(self, events: Sequence[Event]) -> None:
        self.is_called.set()
        await self.lets_go.wait()
        raise DependencyUnavailableError("event_log_unavailable", "The event log is away.")


@pytest.fixture
def outbox(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    database_under_test.create(Base.metadata)
    return database_under_test


@pytest.fixture
def shared_outbox(postgres_database: DatabaseUnderTest) -> DatabaseUnderTest:
    """Only a server lets several processes at it: the tables of a file belong to one."""
    postgres_database.create(Base.metadata)
    return postgres_database


@pytest.fixture
async def processes(shared_outbox: DatabaseUnderTest) -> AsyncIterator[Sequence[Database]]:
    both = [Database(shared_outbox.url) for _ in range(2)]
    async with running(*both):
        yield both


class TestRelaysOfTwoProcesses:
    async def test_publish_every_event_once_and_each_key_in_its_order(
        self, processes: Sequence[Database]
    ) -> None:
        log = SharedLog()
        relays = [OutboxRelay(database, Outbox, log) for database in processes]
        async with running(*relays):
            for number in range(EVENTS_PER_KEY):
                await write(processes[number % 2], [numbered(number, key) for key in KEYS])
                relays[number % 2].wake()
            await eventually(lambda: _is_empty(processes[0]))
        assert len(log.ids) == len(set(log.ids)) == len(KEYS) * EVENTS_PER_KEY
        assert numbers_by_key(log.published) == {key: [*range(EVENTS_PER_KEY)] for key in KEYS}
        assert log.at_once == 1

    async def test_one_goes_on_when_the_connection_of_the_other_ends(
        self, processes: Sequence[Database], shared_outbox: DatabaseUnderTest
    ) -> None:
        stuck, log = StuckLog(), SharedLog()
        holder = OutboxRelay(processes[0], Outbox, stuck)
        await write(processes[0], [numbered(1)])
        await holder.start()
        await stuck.is_called.wait()
        async with running(OutboxRelay(processes[1], Outbox, log)):
            await asyncio.sleep(0.3)
            assert log.ids == [], "while another is at it"
            died_at = time.monotonic()
            shared_outbox.close_connections()
            await eventually(lambda: bool(log.ids))
            assert time.monotonic() - died_at < 3
        stuck.lets_go.set()
        await holder.stop()

    async def test_what_commits_late_under_an_earlier_position_is_published(
        self, processes: Sequence[Database]
    ) -> None:
        log = SharedLog()
        async with running(OutboxRelay(processes[0], Outbox, log)):
            async with processes[1].transaction("tnt_slow") as slow:
                add_to_outbox(slow, Outbox, numbered(1, "slow", "tnt_slow"))
                await slow.flush()
                await write(processes[1], [numbered(2)])
                await eventually(lambda: log.ids == ["evt_doc_1_2"])
                position_of_slow = (await slow.scalars(select(Outbox.position))).one()
            await eventually(lambda: len(log.ids) == 2)
        assert position_of_slow == 1
        assert log.ids == ["evt_doc_1_2", "evt_slow_1"]


class TestFile:
    async def test_its_writers_take_turns_so_positions_appear_in_order(
        self, tmp_path: Path
    ) -> None:
        """Why nothing can commit late there: the next position is given after the commit."""
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'outbox.db'}")
        async with running(database):
            async with database.system_transaction() as session:
                await (await session.connection()).run_sync(Base.metadata.create_all)
            async with database.transaction("tnt_slow") as slow:
                add_to_outbox(slow, Outbox, numbered(1, "slow", "tnt_slow"))
                await slow.flush()
                other = asyncio.create_task(write(database, [numbered(2)]))
                await asyncio.sleep(0.1)
                assert not other.done()
                assert await waiting(database) == 0
            await other
            positions = select(Outbox.position).order_by(Outbox.position)
            async with database.system_snapshot() as session:
                assert (await session.scalars(positions)).all() == [1, 2]


class TestKilledRelay:
    async def test_its_successor_publishes_again_and_consumers_know_the_events(
        self, outbox: DatabaseUnderTest, tmp_path: Path
    ) -> None:
        file, handler = tmp_path / "events.db", RecordingHandler()
        database, log = Database(outbox.url), SqliteEventLog(file)
        async with running(database):
            await write(database, [numbered(n) for n in range(5)])
            assert await _exit_code_of_killed_relay(outbox.url, file) == KILLED
            assert await waiting(database) == 5, "killed before it could remove them"
            async with running(log):
                assert await log.lag(TOPIC, GROUP) == 5, "killed after it had published them"
                consumer = log.consumer(Subscription(TOPIC, GROUP, handler))
                async with running(OutboxRelay(database, Outbox, log), consumer):
                    await eventually(lambda: _is_empty(database))
                    await handler.has_handled("evt_doc_1_4")
        assert handler.started == [f"evt_doc_1_{n}" for n in range(5)]


def numbers_by_key(events: Iterable[Event]) -> dict[str, list[int]]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for event in events:
        numbers[event.key].append(int(event.payload))
    return numbers


async def _is_empty(database: Database) -> bool:
    return await waiting(database) == 0


async def _exit_code_of_killed_relay(database_url: str, event_log_file: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contract.relay_program", database_url, str(event_log_file)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), timeout=30)
