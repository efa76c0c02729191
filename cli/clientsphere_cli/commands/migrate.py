"""`clientsphere migrate`: brings the tables to the schema of this version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clientsphere_cli.output.migrations import migration_report
from clientsphere_cli.output.terminal import show, stderr
from clientsphere_cli.settings import load_settings
from clientsphere_common.logging import configure_logging
from clientsphere_common.settings import PlatformSettings


def migrate(
    service: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only the tables of this service; may be repeated."),
    ] = None,
    wait_s: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Longest wait for the database server.")
    ] = 60,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the tables that are not on a server.", show_default="~/.clientsphere"
        ),
    ] = None,
) -> None:
    """Bring the tables to the schema of this version, before its services start.

    On the server of CLIENTSPHERE_DATABASE_URL, as the owner of the tables. With
    CLIENTSPHERE_DATABASE_ADMIN_URL it makes roles and schemas first, and sets
    the passwords. Without a server it migrates the files of the data folder.

    Running it again, or twice at once, does no harm.
    """
    from clientsphere_cli.migrating import access_to, chosen, migrate_files, migrate_server
    from clientsphere_common.db.settings import DatabaseSettings

    configure_logging("error", "console")
    platform = load_settings(PlatformSettings, data_dir=data_dir)
    folders = chosen(service or [])
    url = load_settings(DatabaseSettings).url
    if url:
        access = access_to(url, folders, platform.data_dir)
        migrated, place = migrate_server(access, folders, wait_s, _say_that_it_waits), url
    else:
        migrated, place = migrate_files(folders, platform.data_dir), str(platform.data_dir)
    show(migration_report(migrated, place))


def _say_that_it_waits() -> None:
    stderr().print("Waiting for the database server ...", style="dim")
