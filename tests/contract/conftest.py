"""What the contract suites of the event log share: a broker, and the logs under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.event_logs import LogUnderTest, Running, SqliteLogUnderTest
from tests.contract.kafka_event_log import KafkaLogUnderTest
from tests.contract.kafka_network import Network, network_to


@pytest.fixture(
    params=["sqlite", "kafka", pytest.param("kafka-image", marks=pytest.mark.container("kafka"))]
)
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    under_test: LogUnderTest
    if request.param == "sqlite":
        under_test = SqliteLogUnderTest(tmp_path)
    elif request.param == "kafka":
        under_test = KafkaLogUnderTest(request.getfixturevalue("kafka_address"))
    else:
        address = request.getfixturevalue("kafka_image_address")
        under_test = KafkaLogUnderTest(address, max_poll_interval_s=10.0)
    await under_test.start()
    running = Running(under_test)
    yield running
    await running.stop_consumers()
    await under_test.stop()


@pytest.fixture
async def network(kafka_address: str) -> AsyncIterator[Network]:
    async with network_to(kafka_address) as network:
        yield network
