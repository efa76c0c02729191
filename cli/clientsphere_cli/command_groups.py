"""How commands fail and what a bare group does, said once for all of them."""

from __future__ import annotations

import io
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from clientsphere_cli.failures import CliError
from clientsphere_cli.output.terminal import print_error

# Contexts are `Any` here: Typer keeps the type of what it passes in a private package.


class ReportingGroup(TyperGroup):
    """Prints a CliError as one line and exits with 1; anything else is a bug and shows itself."""

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # Documents hold any character; a terminal that cannot show one shows a "?".
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except CliError as error:
            print_error(str(error))
            raise typer.Exit(1) from error


class ListingGroup(TyperGroup):
    """Without a subcommand, the first one is meant: `documents` is `documents list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
