"""One stack for all tests that want the distributed shape: started when the first one asks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from gateway.limit_rules import LimitName
from tests.harness.closing_words import tell_backend
from tests.harness.postgres_server import PostgresMissingError
from tests.harness.redis_server import RedisMissingError
from tests.stack.services import Service
from tests.stack.stack import Stack, temporary_stack

_UNLIMITED = {name.value: {"per_minute": 10**6, "burst": 10**6} for name in LimitName}
SETTINGS = {
    "CLIENTSPHERE_INGESTION_MAX_FILE_MIB": "20",
    # Of all tests together, which come from one address; the limits have tests of their own.
    "CLIENTSPHERE_GATEWAY_LIMITS": json.dumps(_UNLIMITED),
}


@contextmanager
def stack_or_skip(settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """One that was not started yet."""
    with ExitStack() as existing:
        try:
            stack = existing.enter_context(temporary_stack(settings))
        except (PostgresMissingError, RedisMissingError) as error:
            pytest.skip(f"NOT TESTED IN THE DISTRIBUTED SHAPE: {error}")
        yield stack


@pytest.fixture(scope="session")
def running_stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """For tests that leave it running. Its logs are kept with what pytest keeps."""
    with stack_or_skip(SETTINGS) as stack:
        try:
            stack.up()
            for part in stack.parts.values():
                if not isinstance(part, Service):
                    tell_backend(pytestconfig, part.what)
            yield stack
        finally:
            stack.down()
            shutil.copytree(stack.folder.path / "logs", tmp_path_factory.mktemp("stack") / "logs")
