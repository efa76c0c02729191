"""The real Qdrant server in a container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.harness.containers import image_of

_GRPC_PORT = 6334


@contextmanager
def qdrant_in_container() -> Iterator[str]:
    """Yields its address."""
    # Not at the top: importing it looks for Docker.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = DockerContainer(image_of("qdrant")).with_exposed_ports(_GRPC_PORT)
    with container.waiting_for(LogMessageWaitStrategy("gRPC listening")) as qdrant:
        yield f"http://{qdrant.get_container_host_ip()}:{qdrant.get_exposed_port(_GRPC_PORT)}"
