"""The stack as the tests of this folder need it: they stop and kill its parts."""

from __future__ import annotations

import pytest

from tests.stack.stack import Stack


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    """Whole again, whatever the test before has left."""
    running_stack.start_servers()
    running_stack.start_services()
    running_stack.wait_until_ready()
    return running_stack
