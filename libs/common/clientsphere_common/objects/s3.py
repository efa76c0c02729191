"""Keeps objects in a bucket of any server that speaks the S3 API."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.objects.keys import checked_key
from clientsphere_common.objects.ports import ObjectEntry, StoredObject

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

log = structlog.get_logger(__name__)

_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class S3Keys:
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class S3Bucket:
    """Where the objects are, and how to get there."""

    name: str
    region: str = "us-east-1"
    endpoint_url: str = ""
    """Empty: Amazon's own for the region."""
    keys: Callable[[], S3Keys] | None = None
    """Asked anew for every request. None: the credentials of the machine or pod."""
    encryption: Literal["", "AES256", "aws:kms"] = ""
    """What the server encrypts with; empty: what the bucket prescribes."""
    kms_key_id: str = ""
    connect_timeout_s: float = 3.0
    stall_timeout_s: float = 30.0
    """Longest time for sending one part of 8 MiB, and for waiting for the next bytes."""
    transfer_timeout_s: float = 3600.0
    """Longest time for reading one object."""
    retries: int = 2


class S3ObjectStore:
    """Objects in `bucket`, which must exist.

    The server checks the SHA-256 of every part and keeps it. A killed process leaves parts that
    nobody sees; a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes them.
    """

    name = "objects"

    def __init__(self, bucket: S3Bucket) -> None:
        self._store = _open(bucket)

    async def start(self) -> None:
        """Connections are made when they are needed."""

    async def stop(self) -> None:
        """Connections that are not in use close by themselves."""

    async def check(self) -> None:
        """Raise DependencyUnavailableError unless the bucket answers."""
        with _translated():
            await anext(aiter(obstore.list(self._store, prefix="-", chunk_size=1)), None)

    async def put(self, key: str, data: AsyncIterable[bytes]) -> StoredObject:
        digest, size_bytes = hashlib.sha256(), 0
        writer = obstore.open_writer_async(
            self._store,
            checked_key(key),
            buffer_size=_PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        async with AsyncExitStack() as unfinished:
            # Leaving by an error, or cancelled, the writer removes the parts it has sent.
            await unfinished.enter_async_context(writer)
            async for piece in data:
                digest.update(piece)
                size_bytes += len(piece)
                with _translated():
                    await writer.write(piece)
            unfinished.pop_all()
        with _translated():
            await writer.close()
        return StoredObject(key, size_bytes, digest.hexdigest())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        with _translated():
            try:
                found = await obstore.get_async(self._store, checked_key(key))
            except FileNotFoundError as error:
                raise NotFoundError("object_not_found", "The stored file is missing.") from error
            async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
                yield piece

    async def delete(self, key: str) -> None:
        with _translated():
            await obstore.delete_async(self._store, checked_key(key))

    async def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        # The client lists whole folders only.
        folder = prefix.rpartition("/")[0]
        with _translated():
            async for page in obstore.list(self._store, prefix=folder or None):
                for found in page:
                    if found["path"].startswith(prefix):
                        yield ObjectEntry(found["path"], found["last_modified"].timestamp())


def _open(bucket: S3Bucket) -> S3Store:
    config: S3Config = {"region": bucket.region, "checksum_algorithm": "SHA256"}
    if bucket.endpoint_url:
        config["endpoint"] = bucket.endpoint_url
    if bucket.encryption:
        config["server_side_encryption"] = bucket.encryption
    if bucket.kms_key_id:
        config["sse_kms_key_id"] = bucket.kms_key_id
    client: ClientConfig = {
        "allow_http": bucket.endpoint_url.startswith("http://"),
        "connect_timeout": timedelta(seconds=bucket.connect_timeout_s),
        "read_timeout": timedelta(seconds=bucket.stall_timeout_s),
        "timeout": timedelta(seconds=bucket.transfer_timeout_s),
    }
    retry: RetryConfig = {
        "max_retries": bucket.retries,
        "retry_timeout": timedelta(seconds=bucket.stall_timeout_s),
    }
    return S3Store(
        bucket.name,
        config=config,
        client_options=client,
        retry_config=retry,
        credential_provider=_provider(bucket.keys) if bucket.keys else None,
    )


def _provider(keys: Callable[[], S3Keys]) -> Callable[[], S3Credential]:
    def provide() -> S3Credential:
        newest = keys()
        return {
            "access_key_id": newest.access_key_id,
            "secret_access_key": newest.secret_access_key,
            # Over at once: the client keeps no copy that rotation would not reach.
            "expires_at": datetime.now(UTC),
        }

    return provide


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        # The first line names the request; what follows repeats the server's whole reply.
        log.warning("object_store_failed", reason=str(error).partition("\n")[0])
        raise DependencyUnavailableError(
            "objects_unavailable", "The object store is not answering.", retry_after_s=1
        ) from error
