"""The servers that tests share: started when the first test asks, stopped after the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.harness.closing_words import tell_backend
from tests.harness.containers import image_of, why_no_docker
from tests.harness.databases import DatabaseUnderTest, sqlite_database
from tests.harness.kafka_broker import running_broker
from tests.harness.kafka_image import kafka_in_container
from tests.harness.postgres_image import postgres_in_container
from tests.harness.postgres_server import PostgresMissingError, PostgresServer, postgres_server
from tests.harness.qdrant_image import qdrant_in_container
from tests.harness.redis_server import RedisMissingError, RedisUnderTest, redis_server
from tests.harness.s3_server import S3Server, s3_server

REDIS_PASSWORD = "correct-horse"


@pytest.fixture(scope="session", name="s3_server")
def _s3_server() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session", name="postgres_server")
def _postgres_server() -> Iterator[PostgresServer]:
    """For tests that leave it running."""
    with _postgres() as server:
        yield server


@pytest.fixture(scope="module")
def own_postgres_server() -> Iterator[PostgresServer]:
    """For tests that stop or freeze it."""
    with _postgres() as server:
        yield server


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    with ExitStack() as running:
        try:
            server = running.enter_context(postgres_server())
        except PostgresMissingError as error:
            if reason := why_no_docker():
                pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}, and {reason}")
            server = running.enter_context(postgres_in_container())
        yield server


@pytest.fixture(scope="session", name="redis_server")
def _redis_server() -> Iterator[RedisUnderTest]:
    """For tests that leave it running."""
    with _redis() as server:
        yield server


@pytest.fixture
def own_redis_server() -> Iterator[RedisUnderTest]:
    """For tests that stop or freeze it."""
    with _redis() as server:
        yield server


@pytest.fixture
def locked_redis_server() -> Iterator[RedisUnderTest]:
    """Wants REDIS_PASSWORD."""
    with _redis(REDIS_PASSWORD) as server:
        yield server


@contextmanager
def _redis(password: str = "") -> Iterator[RedisUnderTest]:
    with ExitStack() as running:
        try:
            server = running.enter_context(redis_server(password))
        except RedisMissingError as error:
            pytest.skip(f"NOT TESTED ON REDIS: {error}")
        yield server


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    with running_broker() as address:
        yield address


@pytest.fixture(scope="session")
def kafka_image_address(pytestconfig: pytest.Config) -> Iterator[str]:
    with kafka_in_container() as address:
        tell_backend(pytestconfig, f"{image_of('kafka')}: real")
        yield address


@pytest.fixture(scope="session")
def qdrant_image_url(pytestconfig: pytest.Config) -> Iterator[str]:
    with qdrant_in_container() as url:
        tell_backend(pytestconfig, f"{image_of('qdrant')}: real")
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_under_test(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[DatabaseUnderTest]:
    """An empty database of a service."""
    if request.param == "sqlite":
        yield sqlite_database(tmp_path / "under_test.db")
    else:
        yield request.getfixturevalue("postgres_database")


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[DatabaseUnderTest]:
    with postgres_server.database("under_test") as database:
        yield database
