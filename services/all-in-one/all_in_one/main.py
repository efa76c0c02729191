"""Starts and stops the one process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import structlog
import uvloop

from all_in_one.data_dir import DataDir
from all_in_one.settings import AllSettings
from all_in_one.wiring import build
from clientsphere_common.logging import configure_logging
from clientsphere_common.modules import run_modules

log = structlog.get_logger(__name__)


def serve(settings: AllSettings, on_ready: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; `on_ready` gets the address of the API once it answers.

    Raises what keeps the process from starting, or what made one of its modules fail.
    """
    configure_logging(settings.platform.log_level, settings.platform.log_format)
    uvloop.run(_serve(settings, on_ready))


async def _serve(settings: AllSettings, on_ready: Callable[[str], None]) -> None:
    stop_requested = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop_requested.set)
    data_dir = DataDir(settings.platform.data_dir)
    # Held before anything else is built: building reads and makes files in it.
    await data_dir.start()
    try:
        process = await build(settings)
        await run_modules(
            process.modules, stop_requested, on_ready=lambda: on_ready(process.http.url)
        )
    finally:
        await data_dir.stop()
    log.info("process_stopped")
