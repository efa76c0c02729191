"""An event that was published is in the log, although the broker died while it took it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.model import Subscription
from tests.contract.kafka_event_log import settings_for_tests
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, new_event
from tests.stack.fixtures import stack_or_skip
from tests.stack.stack import Stack

DEATHS = 6
AT_ONCE = 5

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def stack() -> Iterator[Stack]:
    with stack_or_skip() as stack:
        for name in ("kafka-disk", "kafka"):
            stack.servers[name].start()
        yield stack
        for name in ("kafka", "kafka-disk"):
            stack.servers[name].kill()


@asynccontextmanager
async def publishing(log: KafkaEventLog) -> AsyncIterator[list[str]]:
    """One batch after the other, each until it is published; yields the ids of those that are."""
    published: list[str] = []
    is_ending = asyncio.Event()

    async def publish() -> None:
        for number in count():
            ids = [f"evt-{number}-{place}" for place in range(AT_ONCE)]
            while not await is_published(log, ids):
                await asyncio.sleep(0.05)
            published.extend(ids)
            if is_ending.is_set():
                return

    work = asyncio.create_task(publish())
    yield published
    is_ending.set()
    await work


async def is_published(log: KafkaEventLog, ids: list[str]) -> bool:
    try:
        await log.publish([new_event(event_id, key=event_id) for event_id in ids])
    except DependencyUnavailableError:
        return False
    return True


async def test_none_that_was_published_is_lost(stack: Stack) -> None:
    broker, chance = stack.servers["kafka"], Random(0)
    log, handler = (
        KafkaEventLog(settings_for_tests(broker.url, None, "deaths.")),
        RecordingHandler(),
    )
    await log.start()
    async with publishing(log) as published:
        for _ in range(DEATHS):
            await asyncio.sleep(1 + chance.random())
            broker.kill()
            await asyncio.to_thread(broker.start)
    consumer = log.consumer(Subscription(TOPIC, GROUP, handler))
    await consumer.start()
    await handler.has_handled(*published)
    await consumer.stop()
    await log.stop()
