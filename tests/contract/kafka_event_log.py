"""The Kafka event log under test: a life ends when its network does."""

from __future__ import annotations

import gc
import secrets

from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.kafka.model import KafkaSettings
from tests.harness.line import Line

# Tansu lets a group form after half of it.
_SOON_S = 0.5


def settings_for_tests(
    address: str, line_url: str | None, prefix: str, max_poll_interval_s: float = _SOON_S
) -> KafkaSettings:
    """Few partitions and short patience: a dead member is missed after two seconds."""
    return KafkaSettings(
        address,
        topic_prefix=prefix,
        partitions=3,
        replication_factor=1,
        publish_timeout_s=3.0,
        read_timeout_s=3.0,
        session_timeout_s=2.0,
        max_poll_interval_s=max_poll_interval_s,
        client_options={"proxy_url": line_url} if line_url else {},
    )


class KafkaLogUnderTest:
    """Each life reaches the broker over a line of its own; each test has topics of its own."""

    stores_an_id_once = False

    def __init__(self, address: str, max_poll_interval_s: float = _SOON_S) -> None:
        self._address = address
        self._max_poll_interval_s = max_poll_interval_s
        self._prefix = f"test-{secrets.token_hex(4)}."
        self._lines: list[Line] = []
        self._lives: list[KafkaEventLog] = []

    @property
    def log(self) -> KafkaEventLog:
        return self._lives[-1]

    async def start(self) -> None:
        line = Line()
        await line.mend()
        self._lines.append(line)
        settings = settings_for_tests(
            self._address, line.url, self._prefix, self._max_poll_interval_s
        )
        self._lives.append(KafkaEventLog(settings))
        await self.log.start()

    async def stop(self) -> None:
        for life in self._lives:
            await life.stop()
        for line in self._lines:
            await line.cut()
        # What the client left open is found in this test, not in a later one.
        gc.collect()

    async def crash(self) -> None:
        await self._lines[-1].cut()
        await self.start()
