"""The event log as settings choose it, and its processes that start before the brokers do."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.events.assembly import open_event_log, open_event_operations
from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.model import DeadLetter, Subscription
from clientsphere_common.events.ports import EventLog
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.modules import Opened
from clientsphere_common.readiness import ask_all
from tests.contract.kafka_network import Network, is_published
from tests.contract.recording_handler import GROUP, TOPIC, RecordingHandler, eventually, new_event
from tests.fakes.unchanging_secrets import FakeSecrets
from tests.harness.kafka_broker import free_address, running_broker
from tests.harness.modules import running

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

RECOVERY_S = 5.0


def on_kafka(address: str, **others: object) -> EventLogSettings:
    """Only what the one broker of the tests needs differs from what a process has by default."""
    single = {"bootstrap_servers": address, "replication_factor": 1, "max_poll_interval_s": 6}
    return EventLogSettings(**{**single, **others})  # type: ignore[arg-type]  # each has its own type


@asynccontextmanager
async def opened(
    settings: EventLogSettings, data_dir: Path, registry: CollectorRegistry | None = None
) -> AsyncIterator[Opened[EventLog]]:
    log = await open_event_log(settings, data_dir, FakeSecrets(), registry or CollectorRegistry())
    async with running(*log.modules):
        yield log


@pytest.fixture(autouse=True)
def _left_open(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the client of Kafka left open is found in its own test, not in a later one."""
    # What is logged would hold on to connections until then.
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


class TestChoice:
    async def test_without_addresses_it_is_the_file_of_the_data_folder(
        self, tmp_path: Path
    ) -> None:
        async with opened(EventLogSettings(), tmp_path) as log:
            assert isinstance(log.use, SqliteEventLog)
            assert (tmp_path / "events.db").exists()
            assert (await ask_all(log.checks)).state == "ok"

    async def test_with_addresses_it_is_kafka(self, kafka_address: str, tmp_path: Path) -> None:
        async with opened(on_kafka(kafka_address), tmp_path) as log:
            assert isinstance(log.use, KafkaEventLog)
            assert (await ask_all(log.checks)).state == "ok"
        assert list(tmp_path.iterdir()) == []

    async def test_a_password_that_is_missing_is_named(self, tmp_path: Path) -> None:
        settings = on_kafka(
            "127.0.0.1:1", security_protocol="SASL_PLAINTEXT", sasl_username="clientsphere"
        )
        with pytest.raises(NotFoundError, match="kafka-password"):
            await open_event_log(settings, tmp_path, FakeSecrets(), CollectorRegistry())

    @pytest.mark.parametrize(("is_required", "state"), [(True, "failing"), (False, "degraded")])
    async def test_the_process_says_whether_it_needs_the_log(
        self, tmp_path: Path, is_required: bool, state: str
    ) -> None:
        log = await open_event_log(
            on_kafka(free_address()),
            tmp_path,
            FakeSecrets(),
            CollectorRegistry(),
            is_required=is_required,
        )
        async with running(*log.modules):
            assert (await ask_all(log.checks)).state == state


class TestMetrics:
    @pytest.fixture(params=["sqlite", "kafka"])
    def settings(self, request: pytest.FixtureRequest) -> EventLogSettings:
        if request.param == "sqlite":
            return EventLogSettings(sample_interval_s=1)
        address = request.getfixturevalue("kafka_address")
        prefix = f"{request.node.name[-20:]}.".replace("[", "-").replace("]", "")
        return on_kafka(address, topic_prefix=prefix, sample_interval_s=1, max_poll_interval_s=0.5)

    async def test_lag_age_and_dead_letters_of_every_group_are_sampled(
        self, settings: EventLogSettings, tmp_path: Path
    ) -> None:
        registry, handler = CollectorRegistry(), RecordingHandler({"evt-1": 1})
        async with opened(settings, tmp_path, registry) as log:
            consumer = log.use.consumer(Subscription(TOPIC, GROUP, handler, max_attempts=1))
            await log.use.publish([new_event("evt-1"), new_event("evt-2")])
            async with running(consumer):
                await handler.has_handled("evt-2")
                await eventually(lambda: values(registry) == (0, 0, 1))
            await log.use.publish([new_event("evt-3")])
            await eventually(lambda: values(registry)[0] == 1 and values(registry)[1] > 0)


class TestBrokersThatComeLate:
    async def test_everything_works_within_seconds_of_their_start(self, tmp_path: Path) -> None:
        address, handler = free_address(), RecordingHandler()
        # Outermost: it ends after those that need it.
        with ExitStack() as broker:
            async with opened(on_kafka(address), tmp_path) as log:
                consumer = log.use.consumer(Subscription(TOPIC, GROUP, handler))
                publishing = asyncio.create_task(_publish_until_stored(log.use, "evt-1"))
                async with running(consumer):
                    assert (await ask_all(log.checks)).state == "failing"
                    # So long that every client waits as long as it ever does between two tries.
                    await asyncio.sleep(8)
                    broker.enter_context(running_broker(address))
                    began = time.monotonic()
                    await eventually(lambda: _is_ready(log))
                    await publishing
                    assert time.monotonic() - began < RECOVERY_S
                    await handler.has_handled("evt-1")
                    # This broker lets a new group form only after half of `max_poll_interval_s`.
                    assert time.monotonic() - began < RECOVERY_S + 3


class TestBrokersThatComeBack:
    @pytest.mark.parametrize("away_s", [2, 15])
    async def test_everything_works_within_seconds(self, network: Network, away_s: float) -> None:
        handler = RecordingHandler()
        settings = on_kafka(
            network.settings.bootstrap_servers, topic_prefix=network.settings.topic_prefix
        )
        options = {"proxy_url": network.line.url}
        log = KafkaEventLog(replace(settings.cluster(), client_options=options))
        async with running(log, log.consumer(Subscription(TOPIC, GROUP, handler))):
            await log.publish([new_event("evt-1")])
            await handler.has_handled("evt-1")
            await network.line.cut()
            publishing = asyncio.create_task(_publish_until_stored(log, "evt-2"))
            await asyncio.sleep(away_s)
            await network.line.mend()
            began = time.monotonic()
            await eventually(lambda: _answers(log))
            ready_s = time.monotonic() - began
            await publishing
            await handler.has_handled("evt-2")
            handled_s = time.monotonic() - began
        assert ready_s < RECOVERY_S
        assert handled_s < RECOVERY_S, handled_s


class TestOperations:
    async def test_they_work_beside_the_process_that_owns_the_file(self, tmp_path: Path) -> None:
        settings, handler = EventLogSettings(), RecordingHandler({"evt-1": 1})
        async with opened(settings, tmp_path) as log:
            await log.use.publish([new_event("evt-1")])
            consumer = log.use.consumer(Subscription(TOPIC, GROUP, handler, max_attempts=1))
            async with running(consumer):
                beside = await open_event_operations(settings, tmp_path, FakeSecrets())
                async with running(*beside.modules):
                    await eventually(lambda: _is_given_up(beside.use.dead_letters))
                    assert await beside.use.replay(TOPIC, GROUP, ["evt-1"]) == 1
                await handler.has_handled("evt-1")

    async def test_a_data_folder_without_a_log_is_left_alone(self, tmp_path: Path) -> None:
        operations = await open_event_operations(EventLogSettings(), tmp_path, FakeSecrets())
        with pytest.raises(DependencyUnavailableError):
            await operations.modules[0].start()
        assert list(tmp_path.iterdir()) == []


def values(registry: CollectorRegistry) -> tuple[float, float, float]:
    """Lag, age and dead letters; -1 where there is none yet."""
    labels = {"topic": TOPIC, "group": GROUP}
    names = ("lag", "oldest_age_seconds", "dead_letters")
    found = [registry.get_sample_value(f"clientsphere_event_{name}", labels) for name in names]
    lag, age_s, dead_letters = (-1.0 if value is None else value for value in found)
    return lag, age_s, dead_letters


async def _publish_until_stored(log: EventLog, event_id: str) -> None:
    await eventually(lambda: is_published(log, new_event(event_id)))


async def _is_ready(log: Opened[EventLog]) -> bool:
    return (await ask_all(log.checks)).state == "ok"


async def _answers(log: EventLog) -> bool:
    try:
        await log.check()
    except DependencyUnavailableError:
        return False
    return True


async def _is_given_up(dead_letters: Callable[[str, str], Awaitable[list[DeadLetter]]]) -> bool:
    return bool(await dead_letters(TOPIC, GROUP))
