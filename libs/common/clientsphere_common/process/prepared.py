"""The parts of a process that can be built only once their secrets can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.modules import Module, run_modules
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Check

log = structlog.get_logger(__name__)

_RETRY_S = 1.0


@dataclass(frozen=True)
class ProcessParts:
    """What runs in a process, in the order in which it starts, and what that depends on."""

    modules: Sequence[Module]
    checks: Sequence[Check]


class PreparedParts:
    """A module: tries to build the parts until nothing is missing, then runs them."""

    name = "service"

    def __init__(
        self,
        prepare: Callable[[], Awaitable[ProcessParts]],
        state: ProcessState,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._prepare = prepare
        self._state = state
        self._retry_s = retry_s
        self._stop_requested = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return at once: the process lives, and says itself what it still waits for."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Stop the parts in reverse; those not built yet are not waited for."""
        self._state.stops()
        self._stop_requested.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        parts = await self._built()
        if parts is not None:
            await run_modules(
                parts.modules,
                self._stop_requested,
                on_ready=lambda: self._state.serves(parts.checks),
            )

    async def _built(self) -> ProcessParts | None:
        """None when the process is to stop before everything is there."""
        reason = ""
        while not self._stop_requested.is_set():
            try:
                return await self._prepare()
            except (DependencyUnavailableError, NotFoundError) as error:
                if error.message != reason:
                    log.warning("start_delayed", code=error.code, reason=error.message)
                reason = error.message
                self._state.waits(f"It waits to start: {reason}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s):
                    await self._stop_requested.wait()
        return None
