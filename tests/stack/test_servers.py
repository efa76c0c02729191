"""The servers of the stack keep what they hold, and nobody else's process is touched."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import hvac
import psutil
import psycopg
import pytest
import redis
from hvac.exceptions import Forbidden
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from qdrant_client import AsyncQdrantClient, models

from tests.stack.fixtures import stack_or_skip
from tests.stack.folder import Started
from tests.stack.postgres import admin_url
from tests.stack.secrets import READERS, GeneratedSecrets
from tests.stack.servers import BUCKET, REGION
from tests.stack.stack import Stack
from tests.stack.vault import role_id


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with stack_or_skip() as stack:
        stack.up(servers_only=True)
        yield stack


@pytest.fixture(scope="module")
def generated(stack: Stack) -> GeneratedSecrets:
    return GeneratedSecrets(stack.folder.secrets)


def die_and_return(stack: Stack, name: str) -> None:
    stack.part(name).kill()
    assert not stack.part(name).is_running
    stack.part(name).start()


class TestAfterAKill:
    def test_postgres_has_what_was_committed(
        self, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        url = admin_url(stack.server("postgres").url, generated)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA kept")
        die_and_return(stack, "postgres")
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'kept'")
            assert found.fetchone()

    def test_redis_has_what_it_held_a_second_before(
        self, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        url, password = stack.server("redis").url, generated.value("redis-password")
        with redis.Redis.from_url(url, password=password) as client:
            client.set("kept", "1")
        die_and_return(stack, "redis")
        with redis.Redis.from_url(url, password=password) as client:
            assert client.get("kept") == b"1"

    def test_kafka_has_every_event_that_it_acknowledged(self, stack: Stack) -> None:
        address = stack.server("kafka").url
        producer = KafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True)
        for number in range(100):
            producer.send("kept", b"%d" % number, partition=0).get(10)
        producer.close()
        die_and_return(stack, "kafka")
        consumer = KafkaConsumer(bootstrap_servers=address)
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        consumer.seek_to_beginning()
        values: list[bytes] = []
        while found := consumer.poll(3000).get(partition):
            values += [record.value for record in found]
        consumer.close()
        assert values == [b"%d" % number for number in range(100)]

    async def test_qdrant_has_its_collections(
        self, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        vectors = {"dense": models.VectorParams(size=4, distance=models.Distance.COSINE)}
        point = models.PointStruct(id=str(uuid.uuid4()), vector={"dense": [1.0, 0.0, 0.0, 0.0]})
        async with qdrant_client(stack, generated) as client:
            await client.create_collection("kept", vectors_config=vectors)
            await client.upsert("kept", [point], wait=True)
        die_and_return(stack, "qdrant")
        async with qdrant_client(stack, generated) as client:
            assert (await client.count("kept")).count == 1

    async def test_what_services_index_can_be_looked_into(self, stack: Stack) -> None:
        async with stack.passage_index() as index:
            assert await index.count("tenant", "document", active_only=False) == 0

    def test_s3_has_its_objects(self, s3: Any, stack: Stack) -> None:
        s3.put_object(Bucket=BUCKET, Key="kept", Body=b"content")
        die_and_return(stack, "s3")
        assert s3.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"content"

    def test_vault_is_open_and_has_its_secrets(
        self, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        die_and_return(stack, "vault")
        found = read_as("gateway", "gateway-operator-key", stack, generated)
        assert found == stack.operator_key


class TestVault:
    @pytest.mark.parametrize("process", READERS)
    def test_nobody_reads_the_secrets_of_another(
        self, process: str, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        for name, value in generated.of_services():
            if name in READERS[process]:
                assert read_as(process, name, stack, generated) == value
            else:
                with pytest.raises(Forbidden):
                    read_as(process, name, stack, generated)


class TestS3:
    def test_a_write_that_finds_something_else_is_refused(self, s3: Any) -> None:
        first = s3.put_object(Bucket=BUCKET, Key="guarded", Body=b"1", IfNoneMatch="*")
        with pytest.raises(s3.exceptions.ClientError, match="412"):
            s3.put_object(Bucket=BUCKET, Key="guarded", Body=b"2", IfNoneMatch="*")
        s3.put_object(Bucket=BUCKET, Key="guarded", Body=b"3", IfMatch=first["ETag"])
        with pytest.raises(s3.exceptions.ClientError, match="412"):
            s3.put_object(Bucket=BUCKET, Key="guarded", Body=b"4", IfMatch=first["ETag"])
        assert s3.get_object(Bucket=BUCKET, Key="guarded")["Body"].read() == b"3"


class TestStack:
    def test_a_paused_server_answers_again_when_it_may(
        self, stack: Stack, generated: GeneratedSecrets
    ) -> None:
        url, password = stack.server("redis").url, generated.value("redis-password")
        with redis.Redis.from_url(url, password=password, socket_timeout=0.2) as client:
            stack.server("redis").pause()
            with pytest.raises(redis.TimeoutError):
                client.ping()
            stack.server("redis").resume()
            assert client.ping()

    def test_another_process_of_the_same_number_is_left_alone(self, stack: Stack) -> None:
        us = psutil.Process(os.getpid())
        with tempfile.TemporaryDirectory() as elsewhere:
            other = Stack(Path(elsewhere))
            taken_over = Started(us.pid, us.create_time() - 60, [], {})
            other.folder.note("redis", taken_over)
            assert not other.server("redis").is_running
            other.down()

    def test_all_can_be_ended_and_started_anew_by_somebody_else(self, stack: Stack) -> None:
        addresses = {name: part.url for name, part in stack.parts.items()}
        somebody_else = Stack(stack.folder.path)
        somebody_else.down()
        somebody_else.down()
        assert not any(part.is_running for part in stack.parts.values())
        somebody_else.up(servers_only=True)
        assert all(server.is_running for server in stack.servers.values())
        assert {name: part.url for name, part in somebody_else.parts.items()} == addresses
        somebody_else.down()


@asynccontextmanager
async def qdrant_client(
    stack: Stack, generated: GeneratedSecrets
) -> AsyncIterator[AsyncQdrantClient]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
        client = AsyncQdrantClient(
            host="127.0.0.1",
            grpc_port=int(stack.server("qdrant").url.rpartition(":")[2]),
            prefer_grpc=True,
            https=False,
            check_compatibility=False,
            api_key=generated.value("qdrant-api-key"),
        )
    yield client
    await client.close()


@pytest.fixture
def s3(stack: Stack, generated: GeneratedSecrets) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=stack.server("s3").url,
        region_name=REGION,
        aws_access_key_id=generated.value("s3-access-key-id"),
        aws_secret_access_key=generated.value("s3-secret-access-key"),
    )
    yield client
    client.close()


def read_as(process: str, name: str, stack: Stack, generated: GeneratedSecrets) -> str:
    vault: Any = hvac.Client(url=stack.server("vault").url)
    try:
        vault.auth.approle.login(role_id(process), generated.value(f"{process}-secret-id"))
        found = vault.secrets.kv.v2.read_secret_version(
            f"clientsphere/{name}", raise_on_deleted_version=True
        )
        return str(found["data"]["data"]["value"])
    finally:
        vault.adapter.close()
