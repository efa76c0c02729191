"""What a transaction says happened is published if it commits, in order, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase

from clientsphere_common.db.outbox import OutboxColumns, OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database, ForeignRowError
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.model import Event
from tests.harness.databases import DatabaseUnderTest


class Base(DeclarativeBase):
    pass


class Outbox(OutboxColumns, Base):
    __tablename__ = "outbox"


class FakeLog:
    """An event log that can be away, and lets a test wait for what arrives."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.calls = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def publish(self, events: Sequence[Event]) -> None:
        self.calls.release()
        if self.failure is not None:
            raise self.failure
        self.published += events

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.published]


@pytest.fixture
async def database(database_under_test: DatabaseUnderTest) -> AsyncIterator[Database]:
    database_under_test.create(Base.metadata)
    database = Database(database_under_test.url)
    await database.start()
    yield database
    await database.stop()


@pytest.fixture
def event_log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def relay(database: Database, event_log: FakeLog) -> OutboxRelay:
    return OutboxRelay(database, Outbox, event_log)


def event(event_id: str, tenant_id: str = "tnt_a") -> Event:
    return Event(
        id=event_id,
        topic="documents",
        key="doc_1",
        type="DocumentUploaded",
        tenant_id=tenant_id,
        payload=b"\x00\xff",
        occurred_at_ms=1_700_000_000_000,
        headers={"request_id": "req_1"},
    )


async def write(database: Database, *event_ids: str) -> None:
    async with database.transaction("tnt_a") as session:
        for event_id in event_ids:
            add_to_outbox(session, Outbox, event(event_id))


async def waiting(database: Database) -> int:
    async with database.system_transaction() as session:
        return await session.scalar(select(func.count()).select_from(Outbox)) or 0


class TestAddToOutbox:
    async def test_an_event_of_another_tenant_is_refused(self, database: Database) -> None:
        with pytest.raises(ForeignRowError):
            async with database.transaction("tnt_a") as session:
                add_to_outbox(session, Outbox, event("evt_1", "tnt_b"))

    async def test_an_event_of_a_transaction_that_failed_does_not_exist(
        self, database: Database
    ) -> None:
        with pytest.raises(LookupError):
            await self._write_then_fail(database)
        assert await waiting(database) == 0

    async def _write_then_fail(self, database: Database) -> None:
        async with database.transaction("tnt_a") as session:
            add_to_outbox(session, Outbox, event("evt_1"))
            await session.flush()
            raise LookupError


class TestOutboxRelay:
    async def test_publishes_the_event_exactly_as_it_was_written(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        await write(database, "evt_1")
        await relay.start()
        await relay.stop()
        assert event_log.published == [event("evt_1")]

    async def test_publishes_in_the_order_of_writing_and_forgets_what_was_published(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        ids = [f"evt_{number}" for number in range(450)]
        await write(database, *ids)
        await relay.start()
        await relay.stop()
        assert event_log.ids == ids
        assert await waiting(database) == 0

    async def test_publishes_at_once_when_woken(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        await relay.start()
        await write(database, "evt_1")
        relay.wake()
        async with asyncio.timeout(0.9):  # less than the time between two polls
            await event_log.calls.acquire()
        await relay.stop()

    async def test_finds_what_nobody_woke_it_for(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        await relay.start()
        await write(database, "evt_1")
        await event_log.calls.acquire()
        await relay.stop()
        assert event_log.ids == ["evt_1"]

    async def test_publishes_what_is_left_when_it_stops(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        await relay.start()
        await write(database, "evt_1")
        await relay.stop()
        assert event_log.ids == ["evt_1"]

    async def test_keeps_events_until_the_log_is_back(
        self, database: Database, relay: OutboxRelay, event_log: FakeLog
    ) -> None:
        event_log.failure = DependencyUnavailableError("log_away", "The log is away.")
        await write(database, "evt_1", "evt_2")
        await relay.start()
        await event_log.calls.acquire()
        assert await waiting(database) == 2
        event_log.failure = None
        relay.wake()
        await event_log.calls.acquire()
        await relay.stop()
        assert event_log.ids == ["evt_1", "evt_2"]

    async def test_publishes_again_what_it_could_not_remove_before_it_died(
        self, database: Database, event_log: FakeLog
    ) -> None:
        await write(database, "evt_1")
        dying = OutboxRelay(database, Outbox, DiesAfterPublishing(event_log))
        await dying.start()
        with pytest.raises(SystemError):
            await dying.watch()
        successor = OutboxRelay(database, Outbox, event_log)
        await successor.start()
        await successor.stop()
        assert event_log.ids == ["evt_1", "evt_1"]

    async def test_a_relay_that_runs_is_watched_until_the_watcher_leaves(
        self, relay: OutboxRelay
    ) -> None:
        await relay.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(relay.watch(), 0.01)
        await relay.stop()

    async def test_a_relay_that_was_never_started_can_be_stopped(self, relay: OutboxRelay) -> None:
        await relay.stop()
        await relay.watch()

    async def test_is_named_after_its_table(self, relay: OutboxRelay) -> None:
        assert relay.name == f"relay of {__name__}"


class DiesAfterPublishing:
    def __init__(self, log: FakeLog) -> None:
        self._log = log

    async def publish(self, events: Sequence[Event]) -> None:
        await self._log.publish(events)
        raise SystemError
