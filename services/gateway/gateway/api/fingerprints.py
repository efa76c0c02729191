"""What makes a request the one that it is: another one may not use its idempotency key."""

from __future__ import annotations

import hashlib

from fastapi import Request

EVENT_STREAM = "text/event-stream"


def wants_stream(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


async def whole_fingerprint(request: Request) -> bytes:
    """Of a request whose body is held whole; others can still read it."""
    return digest_of(line_digest(request), await request.body())


def line_digest(request: Request) -> bytes:
    """Of what a request is apart from its body."""
    scope = request.scope
    form = b"stream" if wants_stream(request) else b""
    return digest_of(request.method.encode(), scope["path"].encode(), scope["query_string"], form)


def digest_of(*parts: bytes) -> bytes:
    """SHA-256 of all parts, each behind its length: no two lists of parts are alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
