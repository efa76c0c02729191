"""The one request whose body is read piece by piece: opened, timed, and told from others."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from fastapi import Request

from clientsphere_common.errors import DeadlineExceededError
from gateway.api.dependencies import lookup_id, services_of
from gateway.api.fingerprints import digest_of, line_digest
from gateway.idempotency.attempt import current_attempt
from gateway.model.library import Upload

UPLOAD = ("POST", "/v1/documents")

Bind = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def opened_upload(request: Request) -> AsyncIterator[Upload]:
    """The form up to its file, whose bytes arrive within the block.

    Raises ServiceError. A client that sends a byte now and then must not hold it open for ever.
    """
    services = services_of(request)
    services.upload_form.check_length(request.headers.get("content-length"))
    try:
        async with asyncio.timeout(services.transfer_timeout_s):
            content_type = request.headers.get("content-type", "")
            upload = await services.upload_form.open(content_type, request.stream())
            target = upload.knowledge_base_id or request.query_params.get("knowledge_base_id", "")
            yield replace(upload, knowledge_base_id=lookup_id(target) if target else "")
    except TimeoutError as error:
        raise DeadlineExceededError("deadline_exceeded", "The request took too long.") from error


def bound_to_key(request: Request, upload: Upload) -> Upload:
    """The same upload, whose content ends only once its idempotency key, if any, is bound to it.

    So nobody has the whole file, and acts on it, before it is settled that it is the right one.
    """
    attempt = current_attempt()
    if attempt is None:
        return upload
    bind = partial(services_of(request).idempotent_requests.bind, attempt)
    return replace(upload, content=_bound(request, upload, bind))


async def upload_fingerprint(request: Request) -> bytes:
    """Of an upload that goes nowhere."""
    found = b""

    async def take(fingerprint: bytes) -> None:
        nonlocal found
        found = fingerprint

    async with opened_upload(request) as upload:
        async for _ in _bound(request, upload, take):
            continue
    return found


async def _bound(request: Request, upload: Upload, bind: Bind) -> AsyncIterator[bytes]:
    """What the form says counts, not its bytes: its boundary is another one each time."""
    digest = hashlib.sha256()
    async for piece in upload.content:
        digest.update(piece)
        yield piece
    target, name = upload.knowledge_base_id.encode(), upload.name.encode()
    about = digest_of(line_digest(request), target, name, _readers_digest(upload))
    await bind(digest_of(about, digest.digest()))


def _readers_digest(upload: Upload) -> bytes:
    """In whatever order they were given."""
    if upload.readers is None:
        return b""
    return digest_of(*(one.encode() for one in sorted(upload.readers.identities)))
