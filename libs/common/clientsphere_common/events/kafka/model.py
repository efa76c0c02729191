"""How the event log meets a Kafka cluster: addresses, topics, time limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clientsphere_common.events.kafka.lane import SourceName

# The client would wait up to 30 s after a broker has come back.
_RECONNECT_AFTER_MS = 1000
_PROGRESS = ".progress"


@dataclass(frozen=True)
class KafkaSettings:
    """A topic that does not exist is created with `partitions`, copies and retention from here.

    `partitions` bounds how many processes of one group share a topic and must not change while
    the topic holds events: keys would move, and with them their order. `window` is how far past
    the oldest unhandled event of a partition events are read ahead, and how many handled ones
    before it are remembered to recognise an id that was published again. `max_event_bytes` leaves
    room for headers within what brokers accept, those of a dead letter too. Members poll all the
    time, but for a write that hangs: `max_poll_interval_s` is a little more than that may take.
    `client_options` go to every client as they are: TLS, SASL, a proxy.
    """

    bootstrap_servers: str
    topic_prefix: str = ""
    partitions: int = 12
    replication_factor: int = 3
    retention_s: float = 7 * 24 * 3600.0
    publish_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    session_timeout_s: float = 10.0
    max_poll_interval_s: float = 12.0
    window: int = 1000
    max_event_bytes: int = 1_000_000
    client_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def client(self) -> dict[str, Any]:
        """The part that every client of the cluster shares."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "bootstrap_timeout_ms": int(self.publish_timeout_s * 500),
            "reconnect_backoff_max_ms": _RECONNECT_AFTER_MS,
            **self.client_options,
        }


@dataclass(frozen=True)
class GroupTopics:
    """The topics that one group needs beside the one it listens to, and its name in Kafka.

    `retry` carries replayed events and `progress` what each partition's owner knows, both with
    as many partitions as `main`; `dead` carries what was given up.
    """

    main: str
    group_id: str

    def sources(self) -> dict[SourceName, str]:
        return {"main": self.main, "retry": self.retry}

    @property
    def retry(self) -> str:
        return f"{self.group_id}.retry"

    @property
    def dead(self) -> str:
        return f"{self.group_id}.dead"

    @property
    def progress(self) -> str:
        return f"{self.group_id}{_PROGRESS}"

    def all_names(self) -> set[str]:
        return {self.main, self.retry, self.progress, self.dead}


def group_topics(settings: KafkaSettings, topic: str, group: str) -> GroupTopics:
    main = f"{settings.topic_prefix}{topic}"
    # A group of its own for each topic: members of one group share the partitions of all topics.
    return GroupTopics(main, f"{main}.{group}")


def parse_progress_topic(settings: KafkaSettings, name: str) -> tuple[str, str] | None:
    """Return the topic and the group that `name` would belong to; no topic of ours has a dot."""
    if not (name.startswith(settings.topic_prefix) and name.endswith(_PROGRESS)):
        return None
    own = name.removeprefix(settings.topic_prefix).removesuffix(_PROGRESS)
    topic, _, group = own.partition(".")
    return (topic, group) if topic and group else None
