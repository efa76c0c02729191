"""Settings of the event log, read once at start from CLIENTSPHERE_KAFKA_* variables."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, FilePath, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clientsphere_common.events.kafka.model import KafkaSettings

_ADDRESSES = r"^([^\s,]+:\d+(,[^\s,]+:\d+)*)?$"


class EventLogSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_KAFKA_", frozen=True)

    bootstrap_servers: str = Field(
        default="",
        pattern=_ADDRESSES,
        description="Brokers to begin with, such as `kafka-1:9092,kafka-2:9092`. Not set: the"
        " embedded event log, a file of the data folder.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9._-]*$",
        description="What the names of our topics and groups begin with, such as `clientsphere.`.",
    )
    partitions: int = Field(
        default=12,
        ge=1,
        le=1000,
        description="Partitions of a topic that is created; at most so many processes of a group"
        " share it. Must not change while a topic holds events.",
    )
    replication_factor: int = Field(
        default=3, ge=1, le=9, description="Copies of a topic that is created."
    )
    retention_s: float = Field(
        default=7 * 24 * 3600,
        ge=3600,
        description="Time for which events are kept, in seconds; the embedded log also keeps what"
        " is not handled yet.",
    )
    publish_timeout_s: float = Field(
        default=10, ge=1, le=60, description="Longest wait until events are stored, in seconds."
    )
    read_timeout_s: float = Field(
        default=10, ge=1, le=60, description="Longest wait for an answer of a broker, in seconds."
    )
    session_timeout_s: float = Field(
        default=10,
        ge=1,
        le=60,
        description="Silence after which a process of a group counts as dead, in seconds; brokers"
        " accept 6 or more unless told otherwise.",
    )
    max_poll_interval_s: float = Field(
        default=12,
        ge=0.5,
        le=300,
        description="Longest time that the group waits for a process to rejoin, in seconds;"
        " handlers may take longer. Tansu lets a new group form only after half of it: 6 there.",
    )
    window: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Events of a partition that are read ahead of the oldest unhandled one, and"
        " remembered to recognise what is published twice.",
    )
    sample_interval_s: float = Field(
        default=15,
        ge=1,
        le=3600,
        description="Pause between two measurements of the groups' lag, in seconds.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How brokers are spoken to; `SSL` is TLS."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How we log in, with `SASL_…`."
    )
    sasl_username: str = Field(
        default="",
        description="Who logs in, with `SASL_…`; the password is the secret `kafka-password`.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificates that the brokers' are checked against, with `…SSL`. Not set:"
        " public ones.",
    )

    @property
    def uses_password(self) -> bool:
        return self.security_protocol.startswith("SASL")

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> EventLogSettings:
        if self.uses_password != bool(self.sasl_username):
            raise ValueError("sasl_username belongs to a security_protocol with SASL")
        if self.ca_file and not self.security_protocol.endswith("SSL"):
            raise ValueError("ca_file belongs to a security_protocol with SSL")
        return self

    def cluster(self, password: str = "") -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=self.bootstrap_servers,
            topic_prefix=self.topic_prefix,
            partitions=self.partitions,
            replication_factor=self.replication_factor,
            retention_s=self.retention_s,
            publish_timeout_s=self.publish_timeout_s,
            read_timeout_s=self.read_timeout_s,
            session_timeout_s=self.session_timeout_s,
            max_poll_interval_s=self.max_poll_interval_s,
            window=self.window,
            client_options=self._client_options(password),
        )

    def _client_options(self, password: str) -> dict[str, Any]:
        options: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.ca_file:
            options["ssl_cafile"] = str(self.ca_file)
        if self.uses_password:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": password,
            }
        return options
