"""`clientsphere knowledge-bases`: the collections that documents are kept in."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.knowledge_base_names import find_knowledge_base
from clientsphere_cli.output.listings import knowledge_base_table
from clientsphere_cli.output.quantities import count
from clientsphere_cli.output.terminal import one_line, plain, show

group = typer.Typer(cls=ListingGroup, help="List, create and delete knowledge bases.")


@group.command("list")
def list_knowledge_bases(url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """All knowledge bases (this is what a bare `knowledge-bases` does)."""
    asyncio.run(_list(connect(url, api_key)))


async def _list(connection: Connection) -> None:
    async with open_client(connection) as client:
        found = await client.knowledge_bases()
    empty = plain("No knowledge bases yet. The first upload makes one.")
    show(knowledge_base_table(found) if found else empty)


@group.command("create")
def create_knowledge_base(
    name: Annotated[str, typer.Argument(show_default=False)],
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Create an empty knowledge base."""
    asyncio.run(_create(connect(url, api_key), name))


async def _create(connection: Connection, name: str) -> None:
    async with open_client(connection) as client:
        created = await client.create_knowledge_base(name)
    show(plain(f"Created {one_line(created.name)} ({created.id})."))


@group.command("delete")
def delete_knowledge_base(
    name: Annotated[str, typer.Argument(help="Name or id.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Delete a knowledge base with all its documents."""
    asyncio.run(_delete(connect(url, api_key), name, asks_first=not yes))


async def _delete(connection: Connection, name: str, *, asks_first: bool) -> None:
    async with open_client(connection) as client:
        found = await find_knowledge_base(client, name)
        within = f"{one_line(found.name)} with {count(found.document_count, 'document')}"
        if asks_first:
            typer.confirm(f"Delete {within}?", abort=True)
        await client.delete_knowledge_base(found.id)
    show(plain(f"Deleted {within}."))
