"""Sockets that Kafka's client leaves open are found before the next test, which is not to blame."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Generator

import pytest

EXPECTED = "ignore:unclosed <socket:ResourceWarning"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if any(EXPECTED in mark.args for mark in item.iter_markers("filterwarnings")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    return result
