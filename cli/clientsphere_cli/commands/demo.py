"""`clientsphere demo`: the product at work, in a few seconds, leaving nothing behind."""

from __future__ import annotations

import asyncio

import typer

from clientsphere_cli.output.terminal import stdout

_TERMINATED = 143


def demo() -> None:
    """Start a fresh server, upload sample documents of two companies, ask about them.

    Checks every answer, and exits with 1 when one is not what it should be.
    """
    # The demo's modules are of no use to any other command.
    from clientsphere_cli.demo.play import play
    from clientsphere_cli.demo.server import temporary_workplace
    from clientsphere_cli.demo.stage import Stage

    with temporary_workplace() as workplace:
        try:
            asyncio.run(play(workplace, Stage(stdout())))
        except asyncio.CancelledError as error:
            raise typer.Exit(_TERMINATED) from error
