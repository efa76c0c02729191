"""The event log as its operator reaches it: by the same settings as the services."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from clientsphere_cli.failures import CliError
from clientsphere_cli.settings import load_settings, unusable_setting
from clientsphere_common.settings import PlatformSettings

if TYPE_CHECKING:
    from clientsphere_common.events.ports import EventOperations
    from clientsphere_common.modules import Opened
    from clientsphere_common.secrets.ports import Secrets


@asynccontextmanager
async def open_operations() -> AsyncIterator[EventOperations]:
    """Raises CliError when there is no event log, or when it does not answer."""
    # Loading the clients of the event log takes time that no other command should wait for.
    from clientsphere_common.errors import ServiceError
    from clientsphere_common.events.assembly import event_log_file, open_event_operations
    from clientsphere_common.events.settings import EventLogSettings

    settings, platform = load_settings(EventLogSettings), load_settings(PlatformSettings)
    file = event_log_file(platform.data_dir)
    if not settings.bootstrap_servers and not file.exists():
        raise CliError(
            f"There is no event log {file}: no server was started with that data folder. Name"
            " another folder with CLIENTSPHERE_DATA_DIR, or brokers with"
            " CLIENTSPHERE_KAFKA_BOOTSTRAP_SERVERS."
        )
    secrets = _secrets(platform)
    try:
        async with AsyncExitStack() as started:
            for module in secrets.modules:
                await module.start()
                started.push_async_callback(module.stop)
            opened = await open_event_operations(settings, platform.data_dir, secrets.use)
            for module in opened.modules:
                await module.start()
                started.push_async_callback(module.stop)
            yield opened.use
    except ServiceError as error:
        raise CliError(error.message) from error


def _secrets(platform: PlatformSettings) -> Opened[Secrets]:
    from clientsphere_common.secrets.assembly import command_secrets

    try:
        return command_secrets(os.environ, platform.data_dir)
    except ValidationError as error:
        raise unusable_setting(error) from error
