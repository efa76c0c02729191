"""What the event log keeps in Kafka's topics, as other clients see it."""

from __future__ import annotations

import asyncio

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from clientsphere_common.errors import PayloadTooLargeError
from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.kafka.records import StoredRecord
from clientsphere_common.events.model import Event
from tests.contract.kafka_network import Network
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, new_event

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


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
