"""What operators see of the events between the services, in the embedded log and on Kafka."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.settings import EventLogSettings
from tests.contract.recording_handler import RecordingHandler, eventually
from tests.fakes.unchanging_secrets import FakeSecrets
from tests.harness.command_line import CommandLine
from tests.harness.modules import running

# The client of Kafka leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

PAYLOAD = "the words of a document"


@pytest.fixture(params=["sqlite", "kafka"])
def command(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """With the environment of services that run on this log."""
    if request.param == "kafka":
        for name, value in {
            "BOOTSTRAP_SERVERS": request.getfixturevalue("kafka_address"),
            "TOPIC_PREFIX": f"test-{secrets.token_hex(4)}.",
            "REPLICATION_FACTOR": "1",
            "MAX_POLL_INTERVAL_S": "0.5",
        }.items():
            monkeypatch.setenv(f"CLIENTSPHERE_KAFKA_{name}", value)
    return CommandLine(tmp_path)


@pytest.fixture(autouse=True)
def _left_open(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the client of Kafka left open is found in its own test, not in a later one."""
    # What is logged would hold on to connections until then.
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


@pytest.fixture
def stuck(command: CommandLine) -> CommandLine:
    """Two events were given up, one waits."""
    asyncio.run(_get_stuck(command.data_dir))
    return command


async def _get_stuck(data_dir: Path) -> None:
    opened = await open_event_log(EventLogSettings(), data_dir, FakeSecrets(), CollectorRegistry())
    handler = RecordingHandler({"evt_1": 2, "evt_2": 2})
    subscription = Subscription(
        "documents", "ingestion-workers", handler, max_attempts=2, retry_delay_s=0.01
    )
    async with running(*opened.modules):
        async with running(opened.use.consumer(subscription)):
            await opened.use.publish([new_event("evt_1"), new_event("evt_2")])

            async def are_given_up() -> bool:
                return [one.dead_letters for one in await opened.use.standings()] == [2]

            await eventually(are_given_up)
        await opened.use.publish([new_event("evt_3")])


def new_event(event_id: str) -> Event:
    payload = PAYLOAD.encode()
    headers = {"request_id": "req_1"}
    return Event(event_id, "documents", event_id, "DocumentUploaded", "tnt_1", payload, 0, headers)


class TestLag:
    def test_shows_what_waits_and_what_was_given_up(self, stuck: CommandLine) -> None:
        result = stuck.run("events")
        assert result.exit_code == 0
        header, row, *rest = result.stdout.splitlines()
        assert header.split() == ["Topic", "Group", "Waiting", "Oldest", "Given", "up"]
        topic, group, waiting, age, unit, given_up = row.split()
        assert (topic, group, waiting, given_up) == ("documents", "ingestion-workers", "1", "2")
        assert (int(age) < 60, unit) == (True, "s")
        assert rest == ["", "See what was given up: clientsphere events dead-letters"]

    def test_json_has_one_line_a_group(self, stuck: CommandLine) -> None:
        (line,) = stuck.run("events", "lag", "--json").stdout.splitlines()
        facts = json.loads(line)
        assert facts.pop("oldest_published_at_ms") > 0
        assert facts == {
            "topic": "documents",
            "group": "ingestion-workers",
            "lag": 1,
            "dead_letters": 2,
        }

    def test_unknown_group_is_told_with_the_known_ones(self, stuck: CommandLine) -> None:
        result = stuck.run("events", "--group", "workers", columns=200)
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: There is no such topic and group. Known are: documents/ingestion-workers.\n"
        )


class TestDeadLetters:
    def test_shows_which_and_why_but_not_what_is_in_them(self, stuck: CommandLine) -> None:
        result = stuck.run("events", "dead-letters", columns=140)
        _, first, second, _, advice = result.stdout.splitlines()
        assert first.split()[:5] == ["ingestion-workers", "evt_1", "DocumentUploaded", "tnt_1", "2"]
        assert first.endswith("ValueError: evt_1 is broken")
        assert "evt_2" in second
        assert advice.endswith("clientsphere events replay ID")
        assert PAYLOAD not in result.stdout

    def test_narrow_terminal_shows_who_which_and_why(self, stuck: CommandLine) -> None:
        header, first, *_ = stuck.run("events", "dead-letters").stdout.splitlines()
        assert header.split() == ["Group", "Id", "Cause"]
        assert " ".join(first.split()) == "ingestion-workers evt_1 ValueError: evt_1 is broken"

    def test_says_how_many_it_left_out(self, stuck: CommandLine) -> None:
        shown = stuck.run("events", "dead-letters", "--limit", "1").stdout
        assert "and 1 more: --limit shows them" in shown

    def test_json_has_everything_but_the_payload(self, stuck: CommandLine) -> None:
        output = stuck.run("events", "dead-letters", "--json").stdout
        facts = json.loads(output.splitlines()[0])
        assert facts.pop("failed_at_ms") > 0
        assert facts == {
            "topic": "documents",
            "group": "ingestion-workers",
            "id": "evt_1",
            "type": "DocumentUploaded",
            "tenant": "tnt_1",
            "key": "evt_1",
            "occurred_at_ms": 0,
            "attempts": 2,
            "cause": "ValueError: evt_1 is broken",
            "request_id": "req_1",
        }
        assert PAYLOAD not in output


class TestReplay:
    def test_gives_the_event_to_its_group_again(self, stuck: CommandLine) -> None:
        result = stuck.run("events", "replay", "evt_1")
        assert result.stdout == "ingestion-workers gets 1 event of documents again.\n"
        left = stuck.run("events", "dead-letters", "--json").stdout.splitlines()
        assert [json.loads(line)["id"] for line in left] == ["evt_2"]
        assert json.loads(stuck.run("events", "--json").stdout)["lag"] == 2

    def test_all_of_them(self, stuck: CommandLine) -> None:
        result = stuck.run("events", "replay", "--all", "--json")
        assert json.loads(result.stdout) == {
            "topic": "documents",
            "group": "ingestion-workers",
            "replayed": 2,
        }
        assert stuck.run("events", "dead-letters").stdout == "No event was given up.\n"

    def test_other_ids_are_refused(self, stuck: CommandLine) -> None:
        result = stuck.run("events", "replay", "evt_404")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "Error: None of these events was given up: nothing was replayed.\n"
        )

    def test_ids_and_all_exclude_each_other(self, stuck: CommandLine) -> None:
        assert stuck.run("events", "replay").exit_code == 2
        assert stuck.run("events", "replay", "evt_1", "--all").exit_code == 2


class TestWithoutALog:
    def test_a_folder_that_nothing_ran_in_is_named(self, tmp_path: Path) -> None:
        result = CommandLine(tmp_path).run("events")
        assert result.exit_code == 1
        assert f"There is no event log {tmp_path / 'events.db'}" in result.stderr
        assert list(tmp_path.iterdir()) == []

    def test_brokers_that_are_away_are_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_PUBLISH_TIMEOUT_S", "1")
        result = CommandLine(tmp_path).run("events")
        assert result.stderr == "Error: The event log is not available.\n"

    def test_a_log_that_nobody_reads_is_empty(self, command: CommandLine) -> None:
        asyncio.run(_publish_only(command.data_dir))
        assert command.run("events").stdout == "Nobody reads events yet.\n"

    @pytest.mark.parametrize("source", ["files", "embedded"])
    def test_the_password_comes_from_where_the_services_have_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
    ) -> None:
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_SASL_USERNAME", "operator")
        monkeypatch.setenv("CLIENTSPHERE_SECRETS_SOURCE", source)
        monkeypatch.setenv("CLIENTSPHERE_SECRETS_FOLDER", str(tmp_path))
        result = CommandLine(tmp_path).run("events")
        assert result.stderr == "Error: There is no secret 'kafka-password'.\n"


async def _publish_only(data_dir: Path) -> None:
    opened = await open_event_log(EventLogSettings(), data_dir, FakeSecrets(), CollectorRegistry())
    async with running(*opened.modules):
        await opened.use.publish([new_event("evt_1")])
