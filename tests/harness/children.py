"""The processes that a test starts, without the servers that tests share."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

OwnChildren = Callable[[], list[psutil.Process]]


@pytest.fixture
def own_children() -> OwnChildren:
    """Those that were not there when the test began."""
    us = psutil.Process()
    before = set(us.children())
    return lambda: [child for child in us.children() if child not in before]
