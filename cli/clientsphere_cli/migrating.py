"""Migrates the tables of services, on a database server or in the data folder.

Imported only by the command that does it: loading the services takes a second.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import ValidationError

import audit.wiring
import gateway.wiring
import ingestion.wiring
from all_in_one.data_dir import DataDir, DataDirInUseError
from clientsphere_cli.failures import CliError
from clientsphere_cli.output.migrations import Migrated
from clientsphere_cli.settings import unusable_setting
from clientsphere_common.db.engine import sqlite_url
from clientsphere_common.db.migrations import upgrade
from clientsphere_common.db.server_upgrade import (
    ServerAccess,
    ServerUpgradeError,
    read_access,
    upgrade_on_server,
    wait_for_server,
)
from clientsphere_common.errors import ServiceError
from clientsphere_common.secrets.assembly import command_secrets

Folders = Mapping[str, Path]
"""The migrations of services, by their names."""

ALL: Folders = {
    "audit": audit.wiring.MIGRATIONS,
    "gateway": gateway.wiring.MIGRATIONS,
    "ingestion": ingestion.wiring.MIGRATIONS,
}


def chosen(services: list[str]) -> Folders:
    """All, when none is named. Raises CliError for a service that has no tables."""
    for name in services:
        if name not in ALL:
            raise CliError(f"{name!r} has no tables; these services have: {', '.join(ALL)}.")
    return {name: folder for name, folder in ALL.items() if not services or name in services}


def migrate_files(folders: Folders, data_dir: Path) -> list[Migrated]:
    """Raises CliError while a server works in the folder: it has migrated the tables itself."""
    lock = DataDir(data_dir)
    try:
        asyncio.run(lock.start())
    except DataDirInUseError as error:
        raise CliError(str(error)) from error
    try:
        return [
            Migrated(service, upgrade(sqlite_url(data_dir / f"{service}.db"), folder))
            for service, folder in folders.items()
        ]
    finally:
        asyncio.run(lock.stop())


def migrate_server(
    access: ServerAccess, folders: Folders, wait_s: float, on_wait: Callable[[], None]
) -> list[Migrated]:
    """Raises CliError with the reason why it could not be done."""
    try:
        wait_for_server(access, wait_s, on_wait)
        return [
            Migrated(service, upgrade_on_server(access, service, folder))
            for service, folder in folders.items()
        ]
    except ServerUpgradeError as error:
        raise CliError(str(error)) from error


def access_to(url: str, folders: Folders, data_dir: Path) -> ServerAccess:
    """Raises CliError when the passwords cannot be had."""
    try:
        return asyncio.run(_read_access(url, folders, data_dir))
    except ValidationError as error:
        raise unusable_setting(error) from error
    except (ServiceError, ServerUpgradeError) as error:
        raise CliError(str(error)) from error


async def _read_access(url: str, folders: Folders, data_dir: Path) -> ServerAccess:
    secrets = command_secrets(os.environ, data_dir)
    async with AsyncExitStack() as started:
        for module in secrets.modules:
            await module.start()
            started.push_async_callback(module.stop)
        return await read_access(url, list(folders), secrets.use)
