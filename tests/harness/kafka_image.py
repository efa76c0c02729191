"""The real Kafka in a container: one process that is broker and controller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.harness.containers import image_of
from tests.harness.ports import free_port

_PORT = 9092


@contextmanager
def kafka_in_container() -> Iterator[str]:
    """Yields its address."""
    # Not at the top: importing it looks for Docker. Its own KafkaContainer is for the images of
    # Confluent, whose scripts this one does not have.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    # Chosen by us: the broker tells its clients where to come, and so has to know before it starts.
    port = free_port()
    container = DockerContainer(image_of("kafka")).with_bind_ports(_PORT, port)
    address = f"{container.get_docker_client().host()}:{port}"
    container.with_envs(**_settings(address))
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield address


def _settings(address: str) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{_PORT},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        # The tests miss a dead member sooner than Kafka lets them by default.
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }
