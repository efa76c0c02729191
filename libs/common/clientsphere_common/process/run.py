"""Runs one service as a process of its own, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop
from pydantic import ValidationError

from clientsphere_common.http_server import AddressUnusableError
from clientsphere_common.logging import configure_logging
from clientsphere_common.modules import run_modules
from clientsphere_common.process.metrics import ProcessMetrics
from clientsphere_common.process.ops import ops_server
from clientsphere_common.process.prepared import PreparedParts, ProcessParts
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.settings import OpsSettings
from clientsphere_common.process.state import ProcessState
from clientsphere_common.secrets.assembly import open_secrets
from clientsphere_common.settings import PlatformSettings

log = structlog.get_logger(__name__)

Build = Callable[[Resources], Awaitable[ProcessParts]]

_UNUSABLE_SETTINGS = 2


def run_service(name: str, build: Build) -> None:
    """Serve `name` until the process is asked to stop.

    `build` may be called more than once: what it needs may not be there yet. Settings that are
    not usable end the process with code 2 and a line that names them.
    """
    try:
        platform = PlatformSettings()
        configure_logging(platform.log_level, platform.log_format, service=name)
        uvloop.run(_serve(name, platform, build))
    except ValidationError as error:
        sys.exit(_unusable(error))
    except AddressUnusableError as error:
        sys.exit(str(error))


async def _serve(name: str, platform: PlatformSettings, build: Build) -> None:
    stop_requested = asyncio.Event()
    state, metrics = ProcessState(), ProcessMetrics()

    def stop() -> None:
        state.stops()
        stop_requested.set()

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop)
    platform.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    ops = ops_server(OpsSettings(), state, metrics)
    secrets = open_secrets(platform.data_dir)

    async def prepare() -> ProcessParts:
        return await build(Resources(platform.data_dir, secrets, metrics.renew(), state))

    # Health first: whoever waits for the rest can read there what it waits for.
    modules = [ops, *secrets.modules, PreparedParts(prepare, state)]
    await run_modules(modules, stop_requested, on_ready=lambda: log.info("process_started"))
    log.info("process_stopped")


def _unusable(error: ValidationError) -> int:
    """Names the settings and leaves out their values: they may be secrets."""
    for wrong in error.errors(include_input=False):
        name = ".".join(str(part) for part in wrong["loc"])
        sys.stderr.write(f"The setting {name} of {error.title} is not usable: {wrong['msg']}\n")
    return _UNUSABLE_SETTINGS
