"""What only the Kafka event log has to stand: rebalancing, a network that breaks, slow handlers."""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from clientsphere_common.errors import DependencyUnavailableError, PayloadTooLargeError
from clientsphere_common.events.kafka import KafkaEventLog
from clientsphere_common.events.kafka_records import StoredRecord
from clientsphere_common.events.kafka_settings import KafkaSettings
from clientsphere_common.events.model import Event, Handler, Subscription
from tests.contract.kafka_event_log import settings_for_tests
from tests.contract.recording_handler import (
    GROUP,
    TOPIC,
    RecordingHandler,
    eventually,
    new_event,
)
from tests.harness.kafka_broker import running_broker
from tests.harness.line import Line

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_broker() as address:
        yield address


@dataclass
class Network:
    """One log, reached over a line, and topics that no other test uses."""

    line: Line
    settings: KafkaSettings
    log: KafkaEventLog

    def subscription(self, handler: Handler, **wishes: float) -> Subscription:
        defaults = {"retry_delay_s": 0.01, "stop_grace_s": 0.0}
        return Subscription(TOPIC, GROUP, handler, **{**defaults, **wishes})  # type: ignore[arg-type]  # counts are whole

    async def has_caught_up(self) -> None:
        async def is_done() -> bool:
            return await self.log.lag(TOPIC, GROUP) == 0

        await eventually(is_done)


@pytest.fixture
async def network(address: str) -> AsyncIterator[Network]:
    line = Line()
    await line.mend()
    settings = settings_for_tests(address, line.url, f"test-{secrets.token_hex(4)}.")
    log = KafkaEventLog(settings)
    await log.start()
    yield Network(line, settings, log)
    await log.stop()
    await line.cut()
    gc.collect()


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
        await network.log.publish([_numbered(f"key-{key}", 0) for key in range(12)])
        await network.has_caught_up()
        storm = asyncio.create_task(_come_and_go(network, handler, times=3))
        number = 1
        while not storm.done():
            events = [_numbered(f"key-{key}", number) for key in range(12)]
            await network.log.publish(events)
            number += 1
            await asyncio.sleep(0.05)
        await storm
        await network.has_caught_up()
        await staying.stop()
        assert not overlaps
        for numbers in handled.values():
            first_time = list(dict.fromkeys(numbers))
            assert first_time == list(range(number))
        assert len(handled) == 12
        assert await network.log.dead_letters(TOPIC, GROUP) == []


class TestBrokenNetwork:
    async def test_publishing_fails_in_bounded_time_and_works_again_when_it_is_back(
        self, network: Network
    ) -> None:
        await network.log.publish([new_event("evt-1")])
        await network.line.cut()
        began = time.monotonic()
        with pytest.raises(DependencyUnavailableError) as caught:
            await network.log.publish([new_event("evt-2")])
        assert time.monotonic() - began < 2 * network.settings.publish_timeout_s
        assert caught.value.code == "event_log_unavailable"
        await network.line.mend()
        await eventually(lambda: _is_published(network.log, new_event("evt-3")))

    async def test_readiness_tells_it(self, network: Network) -> None:
        await network.log.ping()
        await network.line.cut()
        with pytest.raises(DependencyUnavailableError):
            await network.log.ping()
        with pytest.raises(DependencyUnavailableError):
            await network.log.lag(TOPIC, GROUP)

    async def test_a_consumer_may_start_before_the_broker(self, network: Network) -> None:
        handler = RecordingHandler()
        await network.line.cut()
        consumer = network.log.consumer(network.subscription(handler))
        await consumer.start()
        await network.line.mend()
        await eventually(lambda: _is_published(network.log, new_event("evt-1")))
        await handler.has_handled("evt-1")
        await consumer.stop()

    async def test_a_consumer_goes_on_after_it(self, network: Network) -> None:
        handler = RecordingHandler()
        consumer = network.log.consumer(network.subscription(handler))
        await consumer.start()
        await network.log.publish([new_event("evt-1")])
        await handler.has_handled("evt-1")
        await network.line.cut()
        await asyncio.sleep(0.5)
        await network.line.mend()
        await eventually(lambda: _is_published(network.log, new_event("evt-2")))
        await handler.has_handled("evt-2")
        await consumer.stop()


class TestWindow:
    async def test_what_does_not_fit_is_read_when_there_is_room_again(
        self, network: Network
    ) -> None:
        handler = RecordingHandler()
        log = KafkaEventLog(replace(network.settings, window=20))
        ids = [f"evt-{n}" for n in range(1000)]
        await log.publish([new_event(event_id, key=event_id) for event_id in ids])
        consumer = log.consumer(network.subscription(handler))
        await consumer.start()
        await handler.has_handled(*ids)
        await network.has_caught_up()
        await consumer.stop()
        await log.stop()
        assert len(handler.started) == len(ids)


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


class TestForeignRecord:
    async def test_it_does_not_stop_the_events_behind_it(self, network: Network) -> None:
        handler = RecordingHandler()
        await network.log.publish([new_event("evt-1")])
        await asyncio.to_thread(_write_foreign_record, network.settings, new_event("evt-1").key)
        await network.log.publish([new_event("evt-2")])
        consumer = network.log.consumer(network.subscription(handler))
        await consumer.start()
        await handler.has_handled("evt-1", "evt-2")
        await network.has_caught_up()
        await consumer.stop()
        assert handler.started == ["evt-1", "evt-2"]


class TestSlowHandler:
    async def test_it_may_take_longer_than_the_poll_interval_and_the_session(
        self, network: Network
    ) -> None:
        started: list[str] = []

        async def handler(event: Event) -> None:
            started.append(event.id)
            await asyncio.sleep(2 * network.settings.session_timeout_s)

        consumer = network.log.consumer(network.subscription(handler))
        await consumer.start()
        await network.log.publish([new_event("evt-1")])
        await network.has_caught_up()
        await consumer.stop()
        assert started == ["evt-1"]


class TestTopics:
    async def test_they_have_the_partitions_of_the_settings(self, network: Network) -> None:
        await network.log.publish([new_event("evt-1")])
        consumer = network.log.consumer(network.subscription(RecordingHandler()))
        await consumer.start()
        await network.has_caught_up()
        await consumer.stop()
        prefix = f"{network.settings.topic_prefix}{TOPIC}"
        counts = await asyncio.to_thread(_partition_counts, network.settings)
        assert {name: n for name, n in counts.items() if name.startswith(prefix)} == {
            prefix: 3,
            f"{prefix}.{GROUP}.retry": 3,
            f"{prefix}.{GROUP}.progress": 3,
            f"{prefix}.{GROUP}.dead": 1,
        }

    async def test_a_dead_letter_carries_the_cause_the_attempts_and_the_original(
        self, network: Network
    ) -> None:
        event = new_event("evt-1")
        consumer = network.log.consumer(
            network.subscription(RecordingHandler({"evt-1": 9}), max_attempts=2)
        )
        await consumer.start()
        await network.log.publish([event])
        await network.has_caught_up()
        await consumer.stop()
        (record,) = await asyncio.to_thread(_dead_records, network.settings)
        headers = {name: value.decode() for name, value in record.headers}
        assert record.value == event.payload
        assert headers["clientsphere.cause"] == "ValueError: evt-1 is broken"
        assert headers["clientsphere.attempts"] == "2"
        assert headers["clientsphere.tenant"] == "acme"
        assert headers["request-id"] == "request-of-evt-1"

    async def test_an_event_that_is_too_large_is_refused(self, network: Network) -> None:
        large = Event("evt-1", TOPIC, "key", "Large", "acme", b"x" * 2_000_000, 0)
        with pytest.raises(PayloadTooLargeError):
            await network.log.publish([large])


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


def _numbered(key: str, number: int) -> Event:
    return Event(f"{key}-{number}", TOPIC, key, "Numbered", "acme", str(number).encode(), 0)


async def _is_published(log: KafkaEventLog, event: Event) -> bool:
    try:
        await log.publish([event])
    except DependencyUnavailableError:
        return False
    return True


def _partition_counts(settings: KafkaSettings) -> dict[str, int]:
    admin = KafkaAdminClient(**settings.client())
    try:
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    finally:
        admin.close()


def _write_foreign_record(settings: KafkaSettings, key: str) -> None:
    producer = KafkaProducer(**settings.client())
    try:
        topic = f"{settings.topic_prefix}{TOPIC}"
        producer.send(topic, key=key.encode(), value=b"?").get(timeout=5)
    finally:
        producer.close(timeout=5)


def _dead_records(settings: KafkaSettings) -> list[StoredRecord]:
    consumer = KafkaConsumer(**settings.client())
    try:
        place = TopicPartition(f"{settings.topic_prefix}{TOPIC}.{GROUP}.dead", 0)
        consumer.assign([place])
        consumer.seek(place, 0)
        polled: list[StoredRecord] = consumer.poll(timeout_ms=5000)[place]
        return polled
    finally:
        consumer.close()
