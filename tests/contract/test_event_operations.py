"""What operators ask of every event log: how far groups are, what they gave up, a replay."""

from __future__ import annotations

import time

import pytest

from tests.contract.event_logs import Running
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, eventually, new_event

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


class TestDeadLetters:
    async def test_replayed_events_are_handled_with_all_attempts(self, running: Running) -> None:
        handler = RecordingHandler(failures={"evt-1": 3, "evt-2": 2})
        await running.log.publish([new_event("evt-1", key="a"), new_event("evt-2", key="b")])
        await running.consume(handler, max_attempts=2)
        await running.has_given_up("evt-1", "evt-2")
        assert await running.log.replay(TOPIC, GROUP, ["evt-1"]) == 1
        await handler.has_handled("evt-1")
        await running.has_given_up("evt-2")
        assert handler.started.count("evt-1") == 4

    async def test_a_replayed_event_never_overtakes_one_in_hand(self, running: Running) -> None:
        handler = RecordingHandler(failures={"evt-1": 1})
        await running.log.publish([new_event("evt-1")])
        await running.consume(handler, max_attempts=1)
        await running.has_given_up("evt-1")
        await running.log.publish([new_event(f"evt-{n}") for n in range(2, 6)])
        await running.log.replay(TOPIC, GROUP, ["evt-1"])
        await handler.has_handled("evt-1", "evt-5")
        assert sorted(handler.handled) == ["evt-1", "evt-2", "evt-3", "evt-4", "evt-5"]

    async def test_other_ids_are_ignored(self, running: Running) -> None:
        await running.log.publish([new_event("evt-1")])
        assert await running.log.replay(TOPIC, GROUP, ["evt-1", "evt-404"]) == 0

    async def test_they_are_listed_up_to_a_limit(self, running: Running) -> None:
        failures = {f"evt-{n}": 1 for n in range(3)}
        await running.log.publish([new_event(event_id) for event_id in failures])
        await running.consume(RecordingHandler(failures), max_attempts=1)
        await running.has_given_up("evt-0", "evt-1", "evt-2")
        letters = await running.log.dead_letters(TOPIC, GROUP, limit=2)
        assert [letter.event.id for letter in letters] == ["evt-0", "evt-1"]


class TestLag:
    async def test_counts_what_is_neither_handled_nor_given_up(self, running: Running) -> None:
        failures = {"broken": 99, "late": 99}
        await running.log.publish(
            [new_event(event_id, key=event_id) for event_id in ("sound", "broken", "late")]
        )
        assert await running.log.lag(TOPIC, GROUP) == 3
        await running.consume(RecordingHandler(failures), max_attempts=1)
        await running.has_given_up("broken", "late")
        await running.has_caught_up()

    async def test_an_unknown_topic_has_none(self, running: Running) -> None:
        assert await running.log.lag("nothing-here", GROUP) == 0
        assert await running.log.dead_letters("nothing-here", GROUP) == []


class TestStandings:
    async def test_a_log_without_groups_has_none(self, running: Running) -> None:
        await running.log.publish([new_event("evt-1")])
        assert await running.log.standings() == []

    async def test_every_group_is_told_by_topic_and_name(self, running: Running) -> None:
        await running.consume(RecordingHandler(), topic="usage", group="billing")
        await running.consume(RecordingHandler(), group="auditing")
        await running.consume(RecordingHandler(), group="indexing")

        async def are_there() -> bool:
            standings = await running.log.standings()
            return [(one.topic, one.group) for one in standings] == [
                ("documents", "auditing"),
                ("documents", "indexing"),
                ("usage", "billing"),
            ]

        await eventually(are_there)

    async def test_the_oldest_unhandled_event_is_told_with_the_lag(self, running: Running) -> None:
        before_ms = int(time.time() * 1000)
        handler = RecordingHandler(hanging=frozenset({"stuck"}))
        await running.log.publish([new_event("stuck", key="a"), new_event("sound", key="b")])
        after_ms = int(time.time() * 1000)
        await running.consume(handler)
        await handler.has_handled("sound")
        await handler.has_started("stuck")
        await running.log.publish([new_event(f"late-{n}", key="a") for n in range(3)])
        await eventually(lambda: _has(running, lag=4))
        (standing,) = await running.log.standings()
        assert standing.oldest_published_at_ms is not None
        assert before_ms <= standing.oldest_published_at_ms <= after_ms

    async def test_dead_letters_are_counted_until_they_are_replayed(self, running: Running) -> None:
        failures = {f"evt-{n}": 1 for n in range(3)}
        await running.log.publish([new_event(event_id, key=event_id) for event_id in failures])
        await running.consume(RecordingHandler(failures), max_attempts=1)
        await eventually(lambda: _has(running, lag=0, dead_letters=3))
        await running.log.replay(TOPIC, GROUP, ["evt-0", "evt-2"])
        await eventually(lambda: _has(running, lag=0, dead_letters=1))
        (standing,) = await running.log.standings()
        assert standing.oldest_published_at_ms is None

    async def test_a_long_backlog_is_told_again_and_again(self, running: Running) -> None:
        await running.consume(RecordingHandler(hanging=frozenset({"evt-0"})), concurrency=1)
        await running.log.publish([new_event(f"evt-{n}") for n in range(2000)])
        for _ in range(3):
            await eventually(lambda: _has(running, lag=2000))


async def _has(running: Running, **expected: int) -> bool:
    for standing in await running.log.standings():
        return all(getattr(standing, name) == value for name, value in expected.items())
    return False
