"""What the event log on SQLite promises beyond the contract that every log keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from clientsphere_common.events.model import Event, Handler, Subscription
from clientsphere_common.events.sqlite.consumer import SqliteEventConsumer
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from tests.contract.event_logs import Running, SqliteLogUnderTest
from tests.contract.recording_handler import (
    GROUP,
    TOPIC,
    RecordingHandler,
    eventually,
    new_event,
)

NOON_S = 1_760_000_000.0
DAY_S = 24 * 3600.0


class ManualClock:
    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteEventLog]:
    """Polls often, because only the poll sees that the manual clock was moved."""
    log = SqliteEventLog(tmp_path / "events.sqlite", clock=clock, poll_interval_s=0.01)
    await log.start()
    yield log
    await log.stop()


def subscription(
    handler: Handler, *, concurrency: int = 8, max_attempts: int = 3, retry_delay_s: float = 10.0
) -> Subscription:
    return Subscription(
        TOPIC,
        GROUP,
        handler,
        concurrency=concurrency,
        max_attempts=max_attempts,
        retry_delay_s=retry_delay_s,
        stop_grace_s=0.0,
    )


async def consume_all(log: SqliteEventLog, handler: Handler, *, max_attempts: int = 3) -> None:
    consumer = log.consumer(subscription(handler, max_attempts=max_attempts))
    await consumer.start()
    await eventually(lambda: has_lag_of_at_most(log, 0))
    await consumer.stop()


async def has_lag_of_at_most(log: SqliteEventLog, limit: int) -> bool:
    return await log.lag(TOPIC, GROUP) <= limit


class TestWaking:
    @pytest.fixture
    async def log(self, tmp_path: Path) -> AsyncIterator[SqliteEventLog]:
        log = SqliteEventLog(tmp_path / "events.sqlite", poll_interval_s=3600.0)
        await log.start()
        yield log
        await log.stop()

    async def test_news_and_retries_do_not_wait_for_the_poll(self, log: SqliteEventLog) -> None:
        handler = RecordingHandler(failures={"evt-1": 1, "evt-2": 3})
        consumer = log.consumer(subscription(handler, retry_delay_s=0.01))
        await consumer.start()
        await log.publish([new_event("evt-1")])
        await handler.has_handled("evt-1")
        await log.publish([new_event("evt-2")])
        await eventually(lambda: has_lag_of_at_most(log, 0))
        await log.replay(TOPIC, GROUP, ["evt-2"])
        await handler.has_handled("evt-2")
        await consumer.stop()


class TestRetries:
    async def test_come_after_a_delay_that_doubles(
        self, log: SqliteEventLog, clock: ManualClock
    ) -> None:
        handler = RecordingHandler(failures={"evt-1": 2})

        async def attempts_after(wait_s: float) -> int:
            """What is due is tried before an event of another key that is published now."""
            clock.now_s += wait_s
            later = f"at-{clock.now_s}"
            await log.publish([new_event(later, key=later)])
            await handler.has_handled(later)
            await eventually(lambda: has_lag_of_at_most(log, 1))
            return handler.started.count("evt-1")

        await log.publish([new_event("evt-1")])
        consumer = log.consumer(subscription(handler, retry_delay_s=10.0))
        await consumer.start()
        waits_s = [0.0, 9.0, 1.0, 19.0, 1.0]
        assert [await attempts_after(wait_s) for wait_s in waits_s] == [1, 1, 2, 2, 3]
        await consumer.stop()


class TestCompanyOfPoison:
    @pytest.fixture
    async def running(self, tmp_path: Path) -> AsyncIterator[Running]:
        under_test = SqliteLogUnderTest(tmp_path)
        await under_test.start()
        running = Running(under_test)
        yield running
        await running.stop_consumers()
        await under_test.stop()

    async def live_and_die_with(self, running: Running, in_hand: frozenset[str]) -> None:
        handler = RecordingHandler(hanging=in_hand)
        await running.consume(handler)
        await handler.has_started(*in_hand)
        await running.crash()

    async def test_events_that_were_in_hand_beside_it_are_not_given_up(
        self, running: Running
    ) -> None:
        company = {f"evt-{n}" for n in range(5)}
        await running.log.publish([new_event(each, key=each) for each in {"poison", *company}])
        await self.live_and_die_with(running, frozenset({"poison", *company}))
        await self.live_and_die_with(running, frozenset({"poison"}))
        await self.live_and_die_with(running, frozenset({"poison"}))
        await running.consume(RecordingHandler())
        await running.has_caught_up()
        await running.has_given_up("poison")

    async def test_one_suspect_is_tried_at_a_time_while_others_go_on(
        self, running: Running
    ) -> None:
        suspects = frozenset({"evt-1", "evt-2"})
        await running.log.publish([new_event(each, key=each) for each in sorted(suspects)])
        earlier = RecordingHandler(hanging=suspects)
        await running.consume(earlier, group="auditing")
        await earlier.has_started(*suspects)
        await self.live_and_die_with(running, suspects)
        handlers = [RecordingHandler(hanging=suspects) for _ in range(2)]
        await running.consume(handlers[0], group="auditing")
        await running.consume(handlers[1])
        await running.log.publish([new_event("new", key="new")])
        for handler in handlers:
            await handler.has_handled("new")
        assert sorted([*handlers[0].started, *handlers[1].started]) == ["evt-1", "new", "new"]

    async def test_the_end_of_a_trial_lets_the_next_group_try_its_suspect(
        self, running: Running
    ) -> None:
        await running.log.publish([new_event("evt-1")])
        earlier = RecordingHandler(hanging=frozenset({"evt-1"}))
        await running.consume(earlier, group="auditing")
        await earlier.has_started("evt-1")
        await self.live_and_die_with(running, frozenset({"evt-1"}))
        tried_first, tried_next = RecordingHandler(), RecordingHandler()
        await running.consume(tried_first, group="auditing")
        await running.consume(tried_next)
        await tried_first.has_handled("evt-1")
        await tried_next.has_handled("evt-1")


class TestSeveralConsumersOfOneGroup:
    async def test_share_the_events(self, log: SqliteEventLog) -> None:
        handler = RecordingHandler()
        event_ids = [f"evt-{n}" for n in range(200)]
        await log.publish([new_event(event_id, key=event_id) for event_id in event_ids])
        consumers = [log.consumer(subscription(handler, concurrency=2)) for _ in range(3)]
        for consumer in consumers:
            await consumer.start()
        await eventually(lambda: has_lag_of_at_most(log, 0))
        for consumer in consumers:
            await consumer.stop()
        assert sorted(handler.started) == sorted(event_ids)


class TestDyingConsumer:
    async def test_a_watcher_learns_what_ended_it(self, tmp_path: Path) -> None:
        log = SqliteEventLog(tmp_path / "events.sqlite", poll_interval_s=0.01)
        await log.start()
        consumer = log.consumer(subscription(RecordingHandler()))
        await consumer.start()
        await log.stop()
        with pytest.raises(RuntimeError):
            await consumer.watch()
        with capture_logs() as lines:
            await consumer.stop()
        assert [line["event"] for line in lines] == ["consumer_died"]

    async def test_a_cancelled_loop_gives_back_what_it_had_in_hand(
        self, log: SqliteEventLog
    ) -> None:
        cut_off, again = RecordingHandler(hanging=frozenset({"evt-1"})), RecordingHandler()
        await log.publish([new_event("evt-1")])
        consumer = log.consumer(subscription(cut_off, max_attempts=1))
        await consumer.start()
        await cut_off.has_started("evt-1")
        loop = next(task for task in asyncio.all_tasks() if task.get_name().endswith(consumer.name))
        loop.cancel()
        await consumer.stop()
        await consume_all(log, again, max_attempts=1)
        assert again.handled == ["evt-1"]


class TestStartAndStop:
    async def test_a_claim_under_way_when_stopping_is_given_back(self, log: SqliteEventLog) -> None:
        handler = RecordingHandler()
        await log.publish([new_event("evt-1")])
        consumer = log.consumer(subscription(handler, max_attempts=1))
        await consumer.start()
        await asyncio.sleep(0)
        await consumer.stop()
        assert handler.started == []
        await consume_all(log, handler, max_attempts=1)
        assert handler.handled == ["evt-1"]

    async def test_a_consumer_that_never_started_can_be_stopped_but_not_watched(
        self, log: SqliteEventLog
    ) -> None:
        consumer: SqliteEventConsumer = log.consumer(subscription(RecordingHandler()))
        await consumer.stop()
        with pytest.raises(RuntimeError, match="was not started"):
            await consumer.watch()

    async def test_the_log_is_a_module_with_a_name(self, log: SqliteEventLog) -> None:
        assert log.name == "event log"


class TestTrimming:
    async def test_deletes_old_events_that_every_group_has_handled(
        self, log: SqliteEventLog, clock: ManualClock
    ) -> None:
        await log.publish([new_event(f"evt-{n}") for n in range(3)])
        await consume_all(log, RecordingHandler())
        clock.now_s += 8 * DAY_S
        await log.publish([new_event("recent")])
        assert await log.trim() == 3
        newcomer = RecordingHandler()
        late_group = log.consumer(Subscription(TOPIC, "late", newcomer))
        await late_group.start()
        await newcomer.has_handled("recent")
        await late_group.stop()
        assert newcomer.started == ["recent"]

    async def test_keeps_what_is_younger_than_the_retention(
        self, log: SqliteEventLog, clock: ManualClock
    ) -> None:
        await log.publish([new_event("evt-1")])
        await consume_all(log, RecordingHandler())
        clock.now_s += 6 * DAY_S
        assert await log.trim() == 0

    async def test_keeps_what_is_not_handled_or_was_given_up(
        self, log: SqliteEventLog, clock: ManualClock
    ) -> None:
        await log.publish([new_event("evt-1")])
        await consume_all(log, RecordingHandler(failures={"evt-1": 1}), max_attempts=1)
        await log.publish([new_event("evt-2")])
        clock.now_s += 8 * DAY_S
        assert await log.trim() == 0
        await log.replay(TOPIC, GROUP, ["evt-1"])
        handler = RecordingHandler()
        await consume_all(log, handler)
        assert sorted(handler.handled) == ["evt-1", "evt-2"]
        assert await log.trim() == 2


class TestLogLines:
    async def test_name_the_event_but_never_what_it_carries(self, log: SqliteEventLog) -> None:
        async def handler(event: Event) -> None:
            if event.id != "sound":
                raise ValueError("secret words of a document")

        await log.publish([new_event("sound"), new_event("broken")])
        with capture_logs() as lines:
            consumer = log.consumer(subscription(handler, max_attempts=2, retry_delay_s=0.0))
            await consumer.start()
            await eventually(lambda: has_lag_of_at_most(log, 0))
            await consumer.stop()
        facts = {"consumer": "documents/indexing", "event_type": "DocumentUploaded"}
        facts |= {"tenant": "acme"}
        broken = {**facts, "event_id": "broken", "cause_class": "ValueError"}
        assert lines == [
            {"event": "event_handled", "log_level": "debug", "event_id": "sound", "attempts": 1}
            | facts,
            {"event": "event_retried", "log_level": "warning", "attempts": 1} | broken,
            {"event": "event_dead_lettered", "log_level": "error", "attempts": 2} | broken,
        ]
