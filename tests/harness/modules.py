"""Runs modules for the length of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from clientsphere_common.modules import Module


@asynccontextmanager
async def running(*modules: Module) -> AsyncIterator[None]:
    """Start `modules` in order and stop them in reverse, also when the test fails."""
    async with AsyncExitStack() as started:
        for module in modules:
            await module.start()
            started.push_async_callback(module.stop)
        yield
