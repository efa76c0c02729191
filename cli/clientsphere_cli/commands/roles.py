"""`clientsphere roles`: what API keys may do, beside the roles that every tenant has."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.output.listings import role_table
from clientsphere_cli.output.terminal import one_line, plain, show

group = typer.Typer(cls=ListingGroup, help="List, create, change and delete roles.")

NameArgument = Annotated[str, typer.Argument(show_default=False)]
IdArgument = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
Permissions = Annotated[
    list[str], typer.Argument(help="As docs/access.md names them.", show_default=False)
]


@group.command("list")
def list_roles(url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """All roles (this is what a bare `roles` does)."""
    asyncio.run(_list(connect(url, api_key)))


async def _list(connection: Connection) -> None:
    async with open_client(connection) as client:
        found = await client.roles()
    show(role_table(found))


@group.command("create")
def create_role(
    name: NameArgument,
    permissions: Permissions,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Create a role of these permissions; you must have each of them yourself."""
    asyncio.run(_create(connect(url, api_key), name, permissions))


async def _create(connection: Connection, name: str, permissions: list[str]) -> None:
    async with open_client(connection) as client:
        created = await client.create_role(name, permissions)
    show(plain(f"Created {one_line(created.name)} ({created.id})."))


@group.command("update")
def update_role(
    role_id: IdArgument,
    name: NameArgument,
    permissions: Permissions,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Give a role this name and exactly these permissions."""
    asyncio.run(_update(connect(url, api_key), role_id, name, permissions))


async def _update(connection: Connection, role_id: str, name: str, permissions: list[str]) -> None:
    async with open_client(connection) as client:
        updated = await client.update_role(role_id, name, permissions)
    show(plain(f"Changed {one_line(updated.name)} ({updated.id})."))


@group.command("delete")
def delete_role(role_id: IdArgument, url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """Delete a role that no living API key has."""
    asyncio.run(_delete(connect(url, api_key), role_id))


async def _delete(connection: Connection, role_id: str) -> None:
    async with open_client(connection) as client:
        await client.delete_role(role_id)
    show(plain(f"Deleted {one_line(role_id)}."))
