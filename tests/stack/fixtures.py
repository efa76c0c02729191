"""One stack for all tests that want the distributed shape: started when the first one asks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.closing_words import tell_backend
from tests.harness.postgres_server import PostgresMissingError
from tests.harness.redis_server import RedisMissingError
from tests.stack.services import Service
from tests.stack.stack import Stack

SETTINGS = {"CLIENTSPHERE_INGESTION_MAX_FILE_MIB": "20"}


@pytest.fixture(scope="session")
def running_stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """For tests that leave it running. Its logs are kept with what pytest keeps."""
    # Not pytest's folder: PostgreSQL runs as another user, who cannot enter it.
    with tempfile.TemporaryDirectory(prefix="clientsphere-stack-") as folder:
        Path(folder).chmod(0o711)
        try:
            stack = Stack(Path(folder), SETTINGS)
        except (PostgresMissingError, RedisMissingError) as error:
            pytest.skip(f"NOT TESTED IN THE DISTRIBUTED SHAPE: {error}")
        try:
            stack.up()
            for part in stack.parts.values():
                if not isinstance(part, Service):
                    tell_backend(pytestconfig, part.what)
            yield stack
        finally:
            stack.down()
            shutil.copytree(stack.folder.path / "logs", tmp_path_factory.mktemp("stack") / "logs")
