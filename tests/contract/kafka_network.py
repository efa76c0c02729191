"""One event log on Kafka, reached over a line that a test can cut."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.kafka.model import KafkaSettings
from clientsphere_common.events.model import Event, Handler, Subscription
from clientsphere_common.events.ports import EventPublisher
from tests.contract.kafka_event_log import settings_for_tests
from tests.contract.recording_handler import GROUP, TOPIC, eventually
from tests.harness.line import Line


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


@asynccontextmanager
async def network_to(address: str) -> AsyncIterator[Network]:
    line = Line()
    await line.mend()
    settings = settings_for_tests(address, line.url, f"test-{secrets.token_hex(4)}.")
    log = KafkaEventLog(settings)
    await log.start()
    yield Network(line, settings, log)
    await log.stop()
    await line.cut()


async def is_published(log: EventPublisher, event: Event) -> bool:
    try:
        await log.publish([event])
    except DependencyUnavailableError:
        return False
    return True
