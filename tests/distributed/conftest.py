"""The stack that the tests of this folder share: the five services on servers of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.closing_words import tell_backend
from tests.stack.services import Service
from tests.stack.stack import Stack


@pytest.fixture(scope="session")
def running_stack(pytestconfig: pytest.Config) -> Iterator[Stack]:
    # Not pytest's folder: PostgreSQL runs as another user, who cannot enter it.
    with tempfile.TemporaryDirectory(prefix="clientsphere-stack-") as folder:
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder))
        try:
            stack.up()
            for part in stack.parts.values():
                if not isinstance(part, Service):
                    tell_backend(pytestconfig, part.what)
            yield stack
        finally:
            stack.down()


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    """Whole again, whatever the test before has left."""
    running_stack.start_servers()
    running_stack.start_services()
    running_stack.wait_until_ready()
    return running_stack
