"""Starts the parts of a process in order, stops them in reverse, and stops all when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import grpc
import structlog

from clientsphere_common.readiness import Check

log = structlog.get_logger(__name__)


class Module(Protocol):
    """Something that runs as long as the process does."""

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Return when it is usable; raise when it cannot be."""

    async def stop(self) -> None:
        """Finish what is in hand and release everything. Called once, after a successful start."""


@runtime_checkable
class Watched(Protocol):
    """A module with work in the background that can die after a successful start."""

    async def watch(self) -> None:
        """Raise when the background work has died; otherwise wait until cancelled."""


_T_co = TypeVar("_T_co", covariant=True)


@dataclass(frozen=True)
class Opened(Generic[_T_co]):
    """A store or channel that settings have chosen: what to use, what to start, what to ask."""

    use: _T_co
    modules: Sequence[Module] = ()
    """In the order in which they start, before `use` is used."""
    checks: Sequence[Check] = ()


@dataclass(frozen=True)
class ServiceParts:
    """What a service brings into a process, whether it runs there alone or among others."""

    name: str
    register: Callable[[grpc.aio.Server], None]
    """Adds the service's servicers to a gRPC server."""
    modules: Sequence[Module]
    """In the order in which they start: after what they need, before the process serves."""
    workers: Sequence[Module] = ()
    """What calls other services by itself: started when the process serves, stopped first."""
    checks: Sequence[Check] = ()


class ModuleFailedError(RuntimeError):
    """A module died while the process was running."""


async def run_modules(
    modules: Sequence[Module], stop_requested: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Run `modules` until `stop_requested` is set or one of them dies; then stop all in reverse.

    Raises what a failing `start` raised (after stopping those already started), or
    ModuleFailedError from what a module's `watch` raised.
    """
    async with AsyncExitStack() as started:
        for module in modules:
            await module.start()
            log.debug("module_started", module=module.name)
            started.push_async_callback(_stop, module)
        on_ready()
        await _wait(modules, stop_requested)


async def _stop(module: Module) -> None:
    await module.stop()
    log.debug("module_stopped", module=module.name)


async def _wait(modules: Sequence[Module], stop_requested: asyncio.Event) -> None:
    stop: asyncio.Task[Any] = asyncio.create_task(stop_requested.wait())
    watches: list[asyncio.Task[Any]] = [
        asyncio.create_task(module.watch(), name=module.name)
        for module in modules
        if isinstance(module, Watched)
    ]
    try:
        done, _ = await asyncio.wait({stop, *watches}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            failure = f"module {task.get_name()!r} stopped by itself"
            raise ModuleFailedError(failure) from task.exception()
    finally:
        for task in (stop, *watches):
            task.cancel()
        await asyncio.gather(stop, *watches, return_exceptions=True)
