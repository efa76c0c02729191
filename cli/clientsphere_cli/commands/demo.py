"""`clientsphere demo`: the product at work, in a few seconds."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.connection import UrlOption, connect_as_operator
from clientsphere_cli.output.terminal import stdout

_TERMINATED = 143


def demo(
    url: UrlOption = None,
    operator_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The operator's key of the server that --url names."),
    ] = None,
) -> None:
    """Upload sample documents of two companies and ask about them, on a fresh server.

    Checks every answer, and exits with 1 when one is not what it should be. Leaves nothing
    behind, unless --url names a server: there the two companies stay.
    """
    try:
        if url is None:
            _play_on_a_fresh_server()
        else:
            _play_on(url, operator_key)
    except asyncio.CancelledError as error:
        raise typer.Exit(_TERMINATED) from error


# The demo's modules are of no use to any other command.
def _play_on_a_fresh_server() -> None:
    from clientsphere_cli.demo.play import play
    from clientsphere_cli.demo.server import fresh_server, temporary_workplace
    from clientsphere_cli.demo.stage import Stage

    with temporary_workplace() as workplace:
        asyncio.run(play(fresh_server(workplace), Stage(stdout())))


def _play_on(url: str, operator_key: str | None) -> None:
    from clientsphere_cli.demo.play import play
    from clientsphere_cli.demo.server import present_server
    from clientsphere_cli.demo.stage import Stage

    connection = connect_as_operator(url, operator_key)
    asyncio.run(play(present_server(connection), Stage(stdout())))
