"""Real servers in containers, on machines where Docker runs; elsewhere a run says what it left out.

A test marked `container(SERVER)` wants the image that the compose file names for that server.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.harness.closing_words import tell_backend

_COMPOSE_FILE = Path(__file__).parents[2] / "deploy" / "compose" / "compose.yaml"


@cache
def image_of(server: str) -> str:
    """What people run is what is tested."""
    return str(yaml.safe_load(_COMPOSE_FILE.read_text())["services"][server]["image"])


@cache
def why_no_docker() -> str:
    """Empty when Docker answers."""
    docker = shutil.which("docker")
    if docker is None:
        return "Docker is not installed"
    asked = subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False)
    return "" if asked.returncode == 0 else "the Docker daemon does not answer"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "container(server): wants that server, run by Docker")


# After `-m` and `-k` have chosen.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Docker the first test of each server is skipped in the name of all of them."""
    wanting: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        for mark in item.iter_markers("container"):
            wanting[mark.args[0]].append(item)
    if not wanting or not (reason := why_no_docker()):
        return
    left_out: set[pytest.Item] = set()
    for server, (first, *others) in wanting.items():
        missed = f"{image_of(server)}: NOT TESTED, {reason}"
        first.add_marker(pytest.mark.skip(f"{missed}; like this one {len(others)} more tests"))
        left_out.update(others)
        tell_backend(config, missed)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
