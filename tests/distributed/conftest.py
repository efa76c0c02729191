"""The stack that the tests of this folder share: the five services on servers of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.stack import Stack


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.up()
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
