"""Members of a group on Kafka come, go and get lost; no event does."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import groupby

import pytest

from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.model import Event, Handler
from tests.contract.kafka_network import Network
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, new_event
from tests.harness.line import Line

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


class TestSharing:
    async def test_two_consumers_share_the_keys(self, network: Network) -> None:
        first, second = RecordingHandler(), RecordingHandler()
        consumers = [
            network.log.consumer(network.subscription(handler)) for handler in (first, second)
        ]
        for consumer in consumers:
            await consumer.start()
        number = 0
        async with asyncio.timeout(30):
            while not (first.handled and second.handled):
                await network.log.publish([new_event(f"evt-{number}", key=f"key-{number}")])
                number += 1
                await asyncio.sleep(0.02)
        await network.has_caught_up()
        for consumer in consumers:
            await consumer.stop()
        assert {*first.handled, *second.handled} == {f"evt-{n}" for n in range(number)}

    async def test_consumers_that_come_and_go_lose_nothing_and_keep_the_order(
        self, network: Network
    ) -> None:
        handled: defaultdict[str, list[int]] = defaultdict(list)
        in_hand: Counter[str] = Counter()
        overlaps: list[str] = []

        async def handler(event: Event) -> None:
            in_hand[event.key] += 1
            if in_hand[event.key] > 1:
                overlaps.append(event.id)
            try:
                await asyncio.sleep(0.02)
                handled[event.key].append(int(event.payload))
            finally:
                in_hand[event.key] -= 1

        staying = network.log.consumer(network.subscription(handler))
        await staying.start()
        await network.log.publish([numbered(f"key-{key}", 0) for key in range(12)])
        await network.has_caught_up()
        storm = asyncio.create_task(_come_and_go(network, handler, times=10))
        number = 1
        while not storm.done() or number * 12 < 500:
            events = [numbered(f"key-{key}", number) for key in range(12)]
            await network.log.publish(events)
            number += 1
            await asyncio.sleep(0.2)
        await storm
        await network.has_caught_up()
        await staying.stop()
        assert not overlaps
        for numbers in handled.values():
            # What comes again comes before the next of its key.
            assert [one for one, _ in groupby(numbers)] == list(range(number))
        assert len(handled) == 12
        assert await network.log.dead_letters(TOPIC, GROUP) == []


class TestLostSession:
    async def test_the_event_goes_to_another_and_is_cut_off_here(self, network: Network) -> None:
        cut_off = asyncio.Event()

        async def hang(_: Event) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cut_off.set()

        started, other_handler, other_line = asyncio.Event(), RecordingHandler(), Line()
        await other_line.mend()
        other_log = KafkaEventLog(
            replace(network.settings, client_options={"proxy_url": other_line.url})
        )
        lonely = network.log.consumer(network.subscription(hang))
        await lonely.start()
        await network.log.publish([new_event("evt-1")])
        await started.wait()
        await network.line.cut()
        other = other_log.consumer(network.subscription(other_handler))
        await other.start()
        await other_handler.has_handled("evt-1")
        await network.line.mend()
        await asyncio.wait_for(cut_off.wait(), timeout=30)
        await lonely.stop()
        await other.stop()
        await other_log.stop()
        await other_line.cut()
        assert other_handler.started == ["evt-1"]


async def _come_and_go(network: Network, handler: Handler, times: int) -> None:
    """Join, handle something, leave, so that lanes move there and back each time."""
    for _ in range(times):
        has_its_share = asyncio.Event()

        async def handle_here(event: Event, here: asyncio.Event = has_its_share) -> None:
            await handler(event)
            here.set()

        consumer = network.log.consumer(network.subscription(handle_here))
        await consumer.start()
        await asyncio.wait_for(has_its_share.wait(), timeout=30)
        await consumer.stop()


def numbered(key: str, number: int) -> Event:
    return Event(f"{key}-{number}", TOPIC, key, "Numbered", "acme", str(number).encode(), 0)
