"""Settings of the event log: what is refused at start, and what Kafka's clients are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from clientsphere_common.events.settings import EventLogSettings

BROKERS = "kafka-1:9092,kafka-2:9092"


class TestEventLogSettings:
    def test_without_any_the_embedded_log_is_meant(self) -> None:
        assert EventLogSettings().bootstrap_servers == ""

    def test_they_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTSPHERE_KAFKA_BOOTSTRAP_SERVERS", BROKERS)
        assert EventLogSettings().cluster().client()["bootstrap_servers"] == [
            "kafka-1:9092",
            "kafka-2:9092",
        ]

    @pytest.mark.parametrize(
        "impossible",
        [
            {"bootstrap_servers": "kafka"},
            {"bootstrap_servers": "kafka:9092, kafka:9093"},
            {"topic_prefix": "with space"},
            {"partitions": 0},
            {"ca_file": "/no/such/file", "security_protocol": "SSL"},
            {"ca_file": __file__},
            {"sasl_username": "clientsphere"},
            {"security_protocol": "SASL_SSL"},
        ],
        ids=str,
    )
    def test_impossible_values_stop_the_process(self, impossible: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            EventLogSettings(**impossible)

    def test_plain_text_needs_nothing_more(self) -> None:
        options = EventLogSettings(bootstrap_servers=BROKERS).cluster().client_options
        assert options == {"security_protocol": "PLAINTEXT"}

    def test_tls_and_a_password_reach_every_client(self) -> None:
        settings = EventLogSettings(
            bootstrap_servers=BROKERS,
            security_protocol="SASL_SSL",
            sasl_username="clientsphere",
            ca_file=Path(__file__),
        )
        client = settings.cluster("secret word").client()
        assert client["security_protocol"] == "SASL_SSL"
        assert client["ssl_cafile"] == __file__
        assert client["sasl_mechanism"] == "SCRAM-SHA-512"
        assert client["sasl_plain_username"] == "clientsphere"
        assert client["sasl_plain_password"] == "secret word"

    def test_the_password_is_not_shown(self) -> None:
        settings = EventLogSettings(
            bootstrap_servers=BROKERS, security_protocol="SASL_SSL", sasl_username="clientsphere"
        )
        assert "secret word" not in repr(settings.cluster("secret word"))

    def test_a_broker_that_comes_back_is_found_within_seconds(self) -> None:
        client = EventLogSettings(bootstrap_servers=BROKERS).cluster().client()
        assert client["reconnect_backoff_max_ms"] <= 2000
