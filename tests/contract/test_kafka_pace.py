"""Handlers and backlogs of any size do not disturb the group on Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.model import Event
from tests.contract.kafka_network import Network
from tests.contract.recording_handler import RecordingHandler, new_event

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


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
