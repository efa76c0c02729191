"""Scripts that Redis runs as a whole, named by their digest after it has seen them once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from clientsphere_common.redis.server import RedisServer


class RedisScript:
    def __init__(self, server: RedisServer, text: str) -> None:
        self._server = server
        self._text = text
        # SHA-1 is what Redis names scripts by.
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """What the script returns. Raises DependencyUnavailableError."""
        try:
            return await self._server.call("EVALSHA", self._digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self._server.call("EVAL", self._text, len(keys), *keys, *arguments)
