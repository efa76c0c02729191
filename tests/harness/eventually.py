"""Waits for something that takes a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> None:
    """Return as soon as `holds` does; raises TimeoutError when it never does."""
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.005)
