"""`clientsphere documents`: what was uploaded, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.knowledge_base_names import KnowledgeBaseOption, knowledge_base_id
from clientsphere_cli.model.library import DocumentFilters
from clientsphere_cli.output.listings import document_details, document_table
from clientsphere_cli.output.quantities import count
from clientsphere_cli.output.terminal import command_name, is_wide, plain, show, stdout

group = typer.Typer(cls=ListingGroup, help="List, show and delete documents.")


@group.command("list")
def list_documents(
    knowledge_base: KnowledgeBaseOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only queued, processing, ready or failed ones; may be repeated."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="PIECE", help="Only those with this in their name.")
    ] = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """All documents (this is what a bare `documents` does)."""
    filters = DocumentFilters(state=tuple(state or ()), name=name)
    asyncio.run(_list(connect(url, api_key), knowledge_base, filters))


async def _list(
    connection: Connection, knowledge_base: str | None, filters: DocumentFilters
) -> None:
    async with open_client(connection) as client:
        within = replace(filters, knowledge_base_id=await knowledge_base_id(client, knowledge_base))
        async with aclosing(client.documents(within)) as documents:
            found = [document async for document in documents]
    if found:
        show(document_table(found, wide=is_wide(stdout())))
    elif filters != DocumentFilters():
        show(plain("No such documents."))
    else:
        show(plain(f"No documents yet. Upload some: {command_name()} upload FILE"))


@group.command("show")
def show_document(
    document_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Everything about one document."""
    asyncio.run(_show(connect(url, api_key), document_id))


async def _show(connection: Connection, document_id: str) -> None:
    async with open_client(connection) as client:
        document = await client.document(document_id)
    show(document_details(document))


@group.command("delete")
def delete_documents(
    document_ids: Annotated[list[str], typer.Argument(metavar="ID", show_default=False)],
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Delete documents: from that moment they are not found any more."""
    asyncio.run(_delete(connect(url, api_key), document_ids))


async def _delete(connection: Connection, document_ids: Sequence[str]) -> None:
    async with open_client(connection) as client:
        for document_id in document_ids:
            await client.delete_document(document_id)
    show(plain(f"Deleted {count(len(document_ids), 'document')}."))
