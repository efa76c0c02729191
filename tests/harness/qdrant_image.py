"""The real Qdrant server in a container, on machines where Docker runs."""

from __future__ import annotations

import atexit
import shutil
import subprocess
from functools import cache

import pytest

IMAGE = "qdrant/qdrant:v1.19.0"
"""The oldest that the product accepts."""
_GRPC_PORT = 6334


@cache
def real_qdrant_url() -> str:
    """Of one server for the whole run; skips the test, and says why, when there can be none."""
    if reason := _why_not():
        pytest.skip(f"not run on the real server {IMAGE}: {reason}")
    # Not at the top: importing it looks for Docker.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = DockerContainer(IMAGE).with_exposed_ports(_GRPC_PORT)
    container.waiting_for(LogMessageWaitStrategy("gRPC listening")).start()
    atexit.register(container.stop)
    return f"http://{container.get_container_host_ip()}:{container.get_exposed_port(_GRPC_PORT)}"


@cache
def _why_not() -> str:
    docker = shutil.which("docker")
    if docker is None:
        return "Docker is not installed"
    asked = subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False)
    return "" if asked.returncode == 0 else "the Docker daemon does not answer"
