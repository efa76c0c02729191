"""TLS to the brokers: checked against the authority of the settings, or refused."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.model import Subscription
from clientsphere_common.events.settings import EventLogSettings
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, new_event
from tests.fakes.unchanging_secrets import FakeSecrets
from tests.harness.certificates import make_authority
from tests.harness.kafka_broker import free_address, running_broker
from tests.harness.modules import running
from tests.harness.tls_front import tls_front

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@dataclass(frozen=True)
class TlsBroker:
    address: str
    authority: Path


@pytest.fixture(autouse=True)
def _left_open(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the client of Kafka left open is found in its own test, not in a later one."""
    # What is logged would hold on to connections until then.
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TlsBroker]:
    files = make_authority(tmp_path / "ours").issue("broker")
    address = free_address()
    with running_broker(advertised=address) as behind:
        async with tls_front(address, behind, files.certificate, files.key):
            yield TlsBroker(address, files.authority)


def settings_for(broker: TlsBroker, ca_file: Path) -> EventLogSettings:
    return EventLogSettings(
        bootstrap_servers=broker.address,
        replication_factor=1,
        max_poll_interval_s=0.5,
        publish_timeout_s=2,
        security_protocol="SSL",
        ca_file=ca_file,
    )


class TestTls:
    async def test_events_go_through_it(self, broker: TlsBroker, tmp_path: Path) -> None:
        handler = RecordingHandler()
        opened = await open_event_log(
            settings_for(broker, broker.authority), tmp_path, FakeSecrets(), CollectorRegistry()
        )
        consumer = opened.use.consumer(Subscription(TOPIC, GROUP, handler))
        async with running(*opened.modules, consumer):
            await opened.use.publish([new_event("evt-1")])
            await handler.has_handled("evt-1")

    async def test_a_broker_of_another_authority_is_not_talked_to(
        self, broker: TlsBroker, tmp_path: Path
    ) -> None:
        stranger = make_authority(tmp_path / "theirs").file
        opened = await open_event_log(
            settings_for(broker, stranger), tmp_path, FakeSecrets(), CollectorRegistry()
        )
        async with running(*opened.modules):
            with pytest.raises(DependencyUnavailableError):
                await opened.use.publish([new_event("evt-1")])
