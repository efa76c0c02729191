"""`clientsphere tenants`: what only the operator of the platform may do."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import (
    Connection,
    OperatorKeyOption,
    UrlOption,
    connect_as_operator,
)
from clientsphere_cli.output.secrets import new_key
from clientsphere_cli.output.terminal import one_line, plain, show, stdout

group = typer.Typer(help="Create tenants, as the operator of the platform.", no_args_is_help=True)


@group.callback()
def tenants() -> None:
    """Create tenants, as the operator of the platform."""


@group.command("create")
def create_tenant(
    name: Annotated[str, typer.Argument(show_default=False)],
    url: UrlOption = None,
    operator_key: OperatorKeyOption = None,
) -> None:
    """Create a tenant, and an API key of its owner that is shown this once."""
    asyncio.run(_create(connect_as_operator(url, operator_key), name))


async def _create(connection: Connection, name: str) -> None:
    async with open_client(connection) as client:
        created = await client.create_tenant(name)
    show(plain(f"Created {one_line(created.name)} ({created.id})."))
    stdout().print(new_key("Owner's API key", created.owner_api_key.key), soft_wrap=True)
