"""`clientsphere run`: the whole product in this process, until Ctrl-C."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from clientsphere_cli.failures import CliError
from clientsphere_cli.output.banner import print_banner
from clientsphere_cli.output.terminal import stdout
from clientsphere_cli.settings import load_settings, unusable_setting
from clientsphere_common.logging import LogFormat
from clientsphere_common.settings import PlatformSettings

if TYPE_CHECKING:
    from all_in_one.settings import AllSettings


def run(
    host: Annotated[
        str | None, typer.Option(help="Address to serve on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one.", show_default="8080"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of everything that is kept.", show_default="~/.clientsphere"),
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="Logs on a terminal are `console` unless set.")
    ] = None,
) -> None:
    """Serve until Ctrl-C; what was uploaded is still there after the next start."""
    platform = _platform(data_dir, log_format)
    # Loading five services takes a second that no other command should wait for.
    from all_in_one.settings import AllSettings
    from gateway.settings import GatewaySettings

    gateway = load_settings(GatewaySettings, host=host, port=port)
    try:
        settings = AllSettings(platform=platform, gateway=gateway)
    except ValidationError as error:
        raise unusable_setting(error) from error
    _serve(settings)


def _platform(data_dir: Path | None, log_format: LogFormat | None) -> PlatformSettings:
    """A person at a terminal reads the logs, unless the environment says otherwise."""
    settings = load_settings(PlatformSettings, data_dir=data_dir, log_format=log_format)
    if "log_format" in settings.model_fields_set or not sys.stderr.isatty():
        return settings
    return load_settings(PlatformSettings, data_dir=data_dir, log_format="console")


def _serve(settings: AllSettings) -> None:
    from all_in_one.data_dir import DataDirInUseError
    from all_in_one.main import serve
    from clientsphere_common.errors import ServiceError
    from clientsphere_common.http_server import AddressUnusableError

    def announce(url: str) -> None:
        print_banner(stdout(), url, settings.platform.data_dir)

    try:
        serve(settings, announce)
    except (DataDirInUseError, AddressUnusableError, ServiceError) as error:
        raise CliError(str(error)) from error
    except ValidationError as error:
        raise unusable_setting(error) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise CliError(f"Cannot start: {error.filename}: {error.strerror}.") from error
