"""An S3 server that keeps its objects in a folder: nanio, with the conditional writes it lacks.

As a process of its own: python -m tests.harness.object_server FOLDER PORT, with the keys of its
one user in NANIO_ACCESS_KEY and NANIO_SECRET_KEY.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from pathlib import Path

import uvicorn
from nanio.app import build_app
from nanio.config import Settings
from nanio.errors import S3Error
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class ConditionalWrites:
    """Writes with If-Match or If-None-Match happen one at a time, and only if they may."""

    def __init__(self, app: ASGIApp, storage: object) -> None:
        self._app = app
        self._storage = storage
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        async with self._turns[scope["path"]]:
            headers = Headers(scope=scope)
            found = self._etag(scope["path"])
            if (headers.get("if-none-match") == "*" and found is not None) or (
                "if-match" in headers and headers["if-match"] != found
            ):
                # Read to its end: clients take the refusal only then.
                while (await receive()).get("more_body"):
                    continue
                await Response(status_code=412)(scope, receive, send)
            else:
                await self._app(scope, receive, send)

    def _etag(self, path: str) -> str | None:
        """None when there is no such object."""
        bucket, _, key = path.removeprefix("/").partition("/")
        try:
            return str(self._storage.head_object(bucket, key).etag)  # type: ignore[attr-defined] # nanio is untyped here
        except S3Error:
            return None


def main(folder: str, port: str) -> None:
    app = build_app(Settings(data_dir=Path(folder), access_log=False))
    guarded = ConditionalWrites(app, app.state.storage)
    uvicorn.run(guarded, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
