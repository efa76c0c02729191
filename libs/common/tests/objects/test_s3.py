"""What the S3 store says to its server, and what it makes of the server's failures."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.objects.s3 import S3Bucket, S3Keys, S3ObjectStore
from tests.harness.s3_server import S3Server

KEY = "tnt_a/doc_1/v1/original"
MIB = 1024 * 1024


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def head(server: S3Server, bucket: S3Bucket) -> dict[str, object]:
    found: dict[str, object] = server.client.head_object(
        Bucket=bucket.name, Key=KEY, ChecksumMode="ENABLED"
    )
    return found


class TestPut:
    async def test_the_server_gets_the_checksum_to_compare(self) -> None:
        async with listening() as (url, requests):
            with pytest.raises(DependencyUnavailableError):
                await S3ObjectStore(bucket_at(url)).put(KEY, pieces(b"first ", b"second"))
        checksum = base64.b64encode(hashlib.sha256(b"first second").digest())
        assert b"x-amz-checksum-sha256: " + checksum in requests[0]

    async def test_each_request_is_signed_with_the_newest_keys(self) -> None:
        keys = [S3Keys("old-id", "secret"), S3Keys("new-id", "secret")]
        async with listening() as (url, requests):
            store = S3ObjectStore(replace(bucket_at(url), keys=lambda: keys[0]))
            for _ in range(2):
                with pytest.raises(DependencyUnavailableError):
                    await store.put(KEY, pieces(b"x"))
                keys.reverse()
        used = [name for head in requests for name in (b"old-id", b"new-id") if name in head]
        assert used == [b"old-id", b"new-id"]

    async def test_a_large_object_has_a_checksum_over_those_of_its_parts(
        self, s3_server: S3Server
    ) -> None:
        bucket = s3_server.new_bucket()
        await S3ObjectStore(bucket).put(KEY, pieces(*[bytes(MIB)] * 12))
        parts = [hashlib.sha256(bytes(size * MIB)).digest() for size in (8, 4)]
        digest = hashlib.sha256(b"".join(parts)).digest()
        assert head(s3_server, bucket)["ChecksumSHA256"] == base64.b64encode(digest).decode()

    async def test_the_server_encrypts_as_the_setting_says(self, s3_server: S3Server) -> None:
        bucket = replace(s3_server.new_bucket(), encryption="aws:kms", kms_key_id="key-1")
        await S3ObjectStore(bucket).put(KEY, pieces(b"x"))
        found = head(s3_server, bucket)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "key-1")

    async def test_a_stream_that_breaks_off_leaves_no_parts(self, s3_server: S3Server) -> None:
        async def breaking_off() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(MIB)
            raise ConnectionError

        bucket = s3_server.new_bucket()
        with pytest.raises(ConnectionError):
            await S3ObjectStore(bucket).put(KEY, breaking_off())
        uploads = s3_server.client.list_multipart_uploads(Bucket=bucket.name)
        assert "Uploads" not in uploads


CALLS: dict[str, Callable[[S3ObjectStore], Awaitable[object]]] = {
    "check": lambda store: store.check(),
    "put": lambda store: store.put(KEY, pieces(b"x")),
    "put in parts": lambda store: store.put(KEY, pieces(*[bytes(MIB)] * 20)),
    "read": lambda store: anext(store.read(KEY)),
    "delete": lambda store: store.delete(KEY),
    "entries": lambda store: anext(store.entries("tnt_a/")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
class TestFailures:
    async def test_a_server_that_is_away_is_told_as_such(
        self, unused_url: str, call: Callable[[S3ObjectStore], Awaitable[object]]
    ) -> None:
        with pytest.raises(DependencyUnavailableError) as failed:
            await call(S3ObjectStore(bucket_at(unused_url)))
        assert failed.value.code == "objects_unavailable"

    async def test_a_server_that_hangs_is_given_up(
        self, call: Callable[[S3ObjectStore], Awaitable[object]]
    ) -> None:
        async with listening() as (url, _), asyncio.timeout(10):
            with pytest.raises(DependencyUnavailableError):
                await call(S3ObjectStore(bucket_at(url)))


class TestEntries:
    async def test_lists_more_than_one_page_of_them(self, s3_server: S3Server) -> None:
        bucket = s3_server.new_bucket()
        store = S3ObjectStore(bucket)
        for start in range(0, 1001, 50):
            numbers = range(start, min(start + 50, 1001))
            await asyncio.gather(*(store.put(f"tnt_a/{n}", pieces(b"")) for n in numbers))
        assert len([entry async for entry in store.entries("tnt_a/")]) == 1001


class TestCheck:
    async def test_a_bucket_that_answers_is_ready(self, s3_server: S3Server) -> None:
        await S3ObjectStore(s3_server.new_bucket()).check()

    async def test_a_bucket_that_is_missing_is_not_ready(self, s3_server: S3Server) -> None:
        with pytest.raises(DependencyUnavailableError):
            await S3ObjectStore(s3_server.bucket("missing")).check()


def bucket_at(url: str) -> S3Bucket:
    return S3Bucket(
        "bucket",
        endpoint_url=url,
        keys=lambda: S3Keys("tester", "secret"),
        stall_timeout_s=0.2,
        retries=0,
    )


@pytest.fixture
async def unused_url() -> str:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that remembers the heads of requests and never answers."""
    requests: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        requests.append(await reader.readuntil(b"\r\n\r\n"))

    server = await asyncio.start_server(remember, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
