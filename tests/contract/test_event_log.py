"""What every event log must do, run against each adapter of the port."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import replace

import pytest

from clientsphere_common.events.model import Event, Subscription
from tests.contract.event_logs import Running
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, new_event

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


class TestDelivery:
    async def test_an_event_arrives_as_it_was_published(self, running: Running) -> None:
        handler = RecordingHandler()
        await running.consume(handler)
        published = Event(
            id="evt-1",
            topic=TOPIC,
            key="document-ä",
            type="DocumentUploaded",
            tenant_id="acme",
            payload=bytes(range(256)),
            occurred_at_ms=1_760_000_000_123,
            headers={"request_id": "req-1", "traceparent": "00-aa-bb-01"},
        )
        await running.log.publish([published])
        await handler.has_handled("evt-1")
        assert handler.events == [published]

    async def test_publishing_nothing_does_nothing(self, running: Running) -> None:
        await running.log.publish([])
        assert await running.log.lag(TOPIC, GROUP) == 0

    async def test_events_of_one_key_arrive_in_the_order_published(self, running: Running) -> None:
        in_hand: dict[str, list[str]] = defaultdict(list)
        handled: dict[str, list[str]] = defaultdict(list)

        async def handler(event: Event) -> None:
            assert not in_hand[event.key], "two events of one key in hand"
            in_hand[event.key].append(event.id)
            await asyncio.sleep(0)
            handled[event.key].append(in_hand[event.key].pop())

        keys = [f"key-{n}" for n in range(5)]
        published = [[f"{key}-{n}" for n in range(20)] for key in keys]
        await running.consume(handler, max_attempts=1)
        for number in range(20):
            await running.log.publish([new_event(f"{key}-{number}", key=key) for key in keys])
        await running.has_caught_up()
        assert [handled[key] for key in keys] == published

    async def test_events_of_different_keys_are_in_hand_together(self, running: Running) -> None:
        together = asyncio.Barrier(3)

        async def handler(_: Event) -> None:
            await together.wait()

        await running.log.publish([new_event(f"evt-{n}", key=f"key-{n}") for n in range(3)])
        await running.consume(handler, concurrency=3)
        await running.has_caught_up()

    async def test_every_group_gets_every_event(self, running: Running) -> None:
        indexing, auditing = RecordingHandler(), RecordingHandler()
        await running.consume(indexing, group="indexing")
        await running.consume(auditing, group="auditing")
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await indexing.has_handled("evt-1", "evt-2")
        await auditing.has_handled("evt-1", "evt-2")

    async def test_a_group_gets_its_topic_only(self, running: Running) -> None:
        handler = RecordingHandler()
        await running.consume(handler, topic="usage")
        await running.log.publish([new_event("evt-1")])
        await running.log.publish([replace(new_event("evt-2"), topic="usage")])
        await handler.has_handled("evt-2")
        assert handler.started == ["evt-2"]

    async def test_a_new_group_begins_with_the_oldest_event(self, running: Running) -> None:
        await running.log.publish([new_event(f"evt-{n}") for n in range(3)])
        handler = RecordingHandler()
        await running.consume(handler)
        await running.log.publish([new_event("evt-3")])
        await handler.has_handled("evt-3")
        assert handler.handled == ["evt-0", "evt-1", "evt-2", "evt-3"]

    async def test_a_group_goes_on_where_it_stopped(self, running: Running) -> None:
        before, after = RecordingHandler(), RecordingHandler()
        await running.log.publish([new_event("evt-1")])
        await running.consume(before)
        await running.has_caught_up()
        await running.stop_consumers()
        await running.log.publish([new_event("evt-2")])
        await running.consume(after)
        await after.has_handled("evt-2")
        assert (before.started, after.started) == (["evt-1"], ["evt-2"])

    @pytest.mark.parametrize("concurrency", [1, 2])
    async def test_a_busy_tenant_does_not_delay_another(
        self, running: Running, concurrency: int
    ) -> None:
        handler = RecordingHandler()
        busy = [new_event(f"busy-{n}", key=f"b-{n}", tenant_id="busy") for n in range(200)]
        calm = [new_event(f"calm-{n}", key=f"c-{n}", tenant_id="calm") for n in range(3)]
        await running.log.publish([*busy, *calm])
        await running.consume(handler, concurrency=concurrency)
        await handler.has_handled("calm-2")
        assert handler.started.index("calm-2") < 10

    async def test_what_a_handler_sets_in_its_context_stays_there(self, running: Running) -> None:
        tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
        found: list[str] = []

        async def handler(event: Event) -> None:
            found.append(tenant.get())
            tenant.set(event.tenant_id)

        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(handler)
        await running.has_caught_up()
        assert found == ["nobody", "nobody"]


class TestRepeatedPublishing:
    async def test_an_id_is_stored_once(self, running: Running) -> None:
        if not running.stores_an_id_once:
            pytest.skip("Kafka stores it again; its consumers know the id, as the next test shows")
        await running.log.publish([new_event("evt-1"), new_event("evt-1")])
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        assert await running.log.lag(TOPIC, GROUP) == 2

    async def test_an_id_that_was_handled_is_not_handled_again(self, running: Running) -> None:
        handler = RecordingHandler()
        await running.consume(handler)
        await running.log.publish([new_event("evt-1")])
        await running.has_caught_up()
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await handler.has_handled("evt-2")
        assert handler.started == ["evt-1", "evt-2"]

    async def test_topics_do_not_share_ids(self, running: Running) -> None:
        await running.log.publish([new_event("evt-1"), replace(new_event("evt-1"), topic="usage")])
        assert await running.log.lag(TOPIC, GROUP) == 1
        assert await running.log.lag("usage", GROUP) == 1


class TestFailingHandler:
    async def test_the_event_is_tried_again_before_the_next_of_its_key(
        self, running: Running
    ) -> None:
        handler = RecordingHandler(failures={"evt-1": 2})
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(handler, max_attempts=3)
        await handler.has_handled("evt-2")
        assert handler.started == ["evt-1", "evt-1", "evt-1", "evt-2"]

    async def test_it_costs_those_behind_it_no_attempt(self, running: Running) -> None:
        handler = RecordingHandler(failures={"evt-1": 2, "evt-2": 2, "evt-3": 2})
        await running.log.publish([new_event(f"evt-{n}") for n in (1, 2, 3)])
        await running.consume(handler, max_attempts=3)
        await handler.has_handled("evt-3")
        assert handler.started == [f"evt-{n}" for n in (1, 2, 3) for _ in range(3)]
        assert await running.log.dead_letters(TOPIC, GROUP) == []

    async def test_other_keys_go_on(self, running: Running) -> None:
        handler = RecordingHandler(failures={"broken": 1})
        await running.log.publish([new_event("broken", key="a")])
        await running.consume(handler, concurrency=1, retry_delay_s=3600)
        await handler.has_started("broken")
        await running.log.publish([new_event("sound", key="b")])
        await handler.has_handled("sound")
        assert handler.started.count("broken") == 1

    async def test_the_event_is_given_up_after_the_last_attempt(self, running: Running) -> None:
        handler = RecordingHandler(failures={"evt-1": 99})
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(handler, max_attempts=3)
        await handler.has_handled("evt-2")
        assert handler.started == ["evt-1", "evt-1", "evt-1", "evt-2"]
        (letter,) = await running.log.dead_letters(TOPIC, GROUP)
        assert letter.event == new_event("evt-1")
        assert letter.attempts == 3
        assert letter.cause == "ValueError: evt-1 is broken"
        assert letter.failed_at_ms > letter.event.occurred_at_ms

    async def test_an_outage_of_what_it_needs_is_waited_for_and_costs_no_attempt(
        self, running: Running
    ) -> None:
        handler = RecordingHandler(outages={"evt-1": 5}, failures={"evt-1": 1})
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(handler, max_attempts=2, outage_delay_s=0.01)
        await handler.has_handled("evt-2")
        assert handler.started == ["evt-1"] * 7 + ["evt-2"]
        assert await running.log.dead_letters(TOPIC, GROUP) == []

    async def test_a_handler_that_hangs_has_failed(self, running: Running) -> None:
        handler = RecordingHandler(hanging=frozenset({"evt-1"}))
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(handler, max_attempts=2, handler_timeout_s=0.05)
        await handler.has_handled("evt-2")
        (letter,) = await running.log.dead_letters(TOPIC, GROUP)
        assert letter.cause == "TimeoutError: not done after 0.05 s"
        assert handler.started == ["evt-1", "evt-1", "evt-2"]

    async def test_groups_give_up_for_themselves(self, running: Running) -> None:
        sound = RecordingHandler()
        await running.log.publish([new_event("evt-1")])
        await running.consume(RecordingHandler(failures={"evt-1": 99}), max_attempts=1)
        await running.consume(sound, group="auditing")
        await running.has_given_up("evt-1")
        await sound.has_handled("evt-1")
        assert await running.log.dead_letters(TOPIC, "auditing") == []


class TestCrash:
    async def test_the_event_in_hand_is_delivered_again(self, running: Running) -> None:
        dying, next_life = RecordingHandler(hanging=frozenset({"evt-1"})), RecordingHandler()
        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        await running.consume(dying)
        await dying.has_started("evt-1")
        await running.crash()
        await running.consume(next_life)
        await next_life.has_handled("evt-2")
        assert next_life.started == ["evt-1", "evt-2"]

    async def test_an_event_that_always_takes_the_process_down_is_given_up(
        self, running: Running
    ) -> None:
        await running.log.publish([new_event("poison"), new_event("next")])
        for _ in range(3):
            dying = RecordingHandler(hanging=frozenset({"poison"}))
            await running.consume(dying, max_attempts=3)
            await dying.has_started("poison")
            await running.crash()
        last_life = RecordingHandler()
        await running.consume(last_life, max_attempts=3)
        await last_life.has_handled("next")
        assert last_life.started == ["next"]
        (letter,) = await running.log.dead_letters(TOPIC, GROUP)
        assert (letter.event.id, letter.attempts) == ("poison", 3)
        assert letter.cause.startswith("ProcessDied: ")

    async def test_those_that_only_waited_behind_it_are_not_given_up_with_it(
        self, running: Running
    ) -> None:
        ids = ["first", "poison", *(f"evt-{n}" for n in range(5))]
        await running.log.publish([new_event(event_id) for event_id in ids])
        for _ in range(2):
            dying = RecordingHandler(hanging=frozenset({"poison"}))
            await running.consume(dying, max_attempts=2)
            await dying.has_started("poison")
            await running.crash()
        last_life = RecordingHandler()
        await running.consume(last_life, max_attempts=2)
        await last_life.has_handled(*ids[2:])
        (letter,) = await running.log.dead_letters(TOPIC, GROUP)
        assert letter.event.id == "poison"


class TestStop:
    async def test_the_event_in_hand_may_finish(self, running: Running) -> None:
        started, may_finish = asyncio.Event(), asyncio.Event()

        async def handler(_: Event) -> None:
            started.set()
            await may_finish.wait()

        await running.log.publish([new_event("evt-1"), new_event("evt-2")])
        consumer = await running.consume(handler, stop_grace_s=30)
        await started.wait()
        stopping = asyncio.create_task(consumer.stop())
        await asyncio.sleep(0)
        may_finish.set()
        await stopping
        assert await running.log.lag(TOPIC, GROUP) == 1

    async def test_what_is_cut_off_comes_again_and_the_attempt_does_not_count(
        self, running: Running
    ) -> None:
        cut_off, again = RecordingHandler(hanging=frozenset({"evt-1"})), RecordingHandler()
        await running.log.publish([new_event("evt-1")])
        await running.consume(cut_off, max_attempts=1)
        await cut_off.has_started("evt-1")
        await running.stop_consumers()
        await running.consume(again, max_attempts=1)
        await again.has_handled("evt-1")
        assert await running.log.dead_letters(TOPIC, GROUP) == []

    async def test_a_stopped_consumer_takes_nothing(self, running: Running) -> None:
        stopped, running_on = RecordingHandler(), RecordingHandler()
        await running.consume(stopped)
        await running.stop_consumers()
        await running.log.publish([new_event("evt-1")])
        await running.consume(running_on)
        await running_on.has_handled("evt-1")
        assert stopped.started == []

    async def test_watching_ends_with_the_consumer(self, running: Running) -> None:
        consumer = await running.consume(RecordingHandler())
        watch = asyncio.create_task(consumer.watch())
        await asyncio.sleep(0)
        assert not watch.done()
        await consumer.stop()
        await watch

    async def test_a_watcher_that_gives_up_leaves_the_consumer_alone(
        self, running: Running
    ) -> None:
        handler = RecordingHandler()
        consumer = await running.consume(handler)
        watch = asyncio.create_task(consumer.watch())
        await asyncio.sleep(0)
        watch.cancel()
        await asyncio.wait({watch})
        await running.log.publish([new_event("evt-1")])
        await handler.has_handled("evt-1")

    async def test_one_that_was_never_started_may_be_stopped_but_not_watched(
        self, running: Running
    ) -> None:
        consumer = running.log.consumer(Subscription(TOPIC, GROUP, RecordingHandler()))
        await consumer.stop()
        with pytest.raises(RuntimeError, match=r"documents/indexing was not started"):
            await consumer.watch()

    async def test_a_consumer_is_named_after_its_topic_and_group(self, running: Running) -> None:
        consumer = await running.consume(RecordingHandler())
        assert consumer.name == "documents/indexing"
