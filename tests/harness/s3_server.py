"""A real S3 server in a process of its own, on a free port of the loopback interface."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from clientsphere_common.objects.s3 import S3Bucket, S3Keys

_ACCESS_KEY_ID, _SECRET_ACCESS_KEY, _REGION = "tester", "secret", "us-east-1"


class S3Server:
    """`client` is another implementation's view of what is stored."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=url,
            region_name=_REGION,
            aws_access_key_id=_ACCESS_KEY_ID,
            aws_secret_access_key=_SECRET_ACCESS_KEY,
        )

    def new_bucket(self) -> S3Bucket:
        bucket = self.bucket(f"bucket-{secrets.token_hex(8)}")
        self.client.create_bucket(Bucket=bucket.name)
        return bucket

    def bucket(self, name: str) -> S3Bucket:
        return S3Bucket(
            name,
            region=_REGION,
            endpoint_url=self.url,
            keys=lambda: S3Keys(_ACCESS_KEY_ID, _SECRET_ACCESS_KEY),
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    program = Path(__file__).with_name("s3_process.py")
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = S3Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.wait()
        try:
            yield server
        finally:
            server.client.close()
