"""The event log on Kafka while the brokers are away, and when they are back."""

from __future__ import annotations

import asyncio
import time

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from tests.contract.kafka_network import Network, is_published
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, eventually, new_event

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


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
        await eventually(lambda: is_published(network.log, new_event("evt-3")))

    async def test_readiness_tells_it(self, network: Network) -> None:
        await network.log.check()
        await network.line.cut()
        with pytest.raises(DependencyUnavailableError):
            await network.log.check()
        with pytest.raises(DependencyUnavailableError):
            await network.log.lag(TOPIC, GROUP)

    async def test_a_consumer_may_start_before_the_broker(self, network: Network) -> None:
        handler = RecordingHandler()
        await network.line.cut()
        consumer = network.log.consumer(network.subscription(handler))
        await consumer.start()
        await network.line.mend()
        await eventually(lambda: is_published(network.log, new_event("evt-1")))
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
        await eventually(lambda: is_published(network.log, new_event("evt-2")))
        await handler.has_handled("evt-2")
        await consumer.stop()
