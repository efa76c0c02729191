"""`clientsphere access`: who may read and edit a knowledge base or a document."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from clientsphere_cli.client import Client, open_client
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.knowledge_base_names import find_knowledge_base
from clientsphere_cli.model.access import Audience
from clientsphere_cli.output.terminal import one_line, plain, show

group = typer.Typer(
    help="Show and change who may read and edit what; you may need the role admin.",
    no_args_is_help=True,
)

TargetArgument = Annotated[
    str,
    typer.Argument(
        help="A knowledge base by its name or id, or a document by its id.", show_default=False
    ),
]
KnowledgeBaseArgument = Annotated[
    str, typer.Argument(metavar="KNOWLEDGE-BASE", help="Name or id.", show_default=False)
]
EveryoneOption = Annotated[bool, typer.Option("--everyone", help="Everyone of the tenant.")]
NobodyOption = Annotated[
    bool, typer.Option("--nobody", help="Only who may read or manage everything.")
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group", metavar="NAME", help="As your identity provider calls it; may be repeated."
    ),
]
PrincipalOption = Annotated[
    list[str] | None,
    typer.Option(
        "--principal", metavar="ID", help="Of an API key or a user; may be given several times."
    ),
]
_DOCUMENT = "doc_"


@group.command("show")
def show_access(
    target: TargetArgument, url: UrlOption = None, api_key: ApiKeyOption = None
) -> None:
    """Who may read it and, of a knowledge base, who may upload and delete in it."""
    asyncio.run(_show(connect(url, api_key), target))


async def _show(connection: Connection, target: str) -> None:
    async with open_client(connection) as client:
        if target.startswith(_DOCUMENT):
            readers = await client.document_readers(target)
            show(plain(f"Readers: {one_line(str(readers))}"))
            return
        access = await client.knowledge_base_access(await _knowledge_base_id(client, target))
    show(plain(f"Readers: {one_line(str(access.readers))}"))
    show(plain(f"Editors: {one_line(str(access.editors))}"))


@group.command("readers")
def set_readers(  # noqa: PLR0913 - the options of a command are its parameters
    target: TargetArgument,
    groups: GroupOption = None,
    principals: PrincipalOption = None,
    everyone: EveryoneOption = False,
    nobody: NobodyOption = False,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Have exactly these read it; a search that starts afterwards shows it to no others."""
    readers = _audience(groups, principals, everyone=everyone, nobody=nobody)
    asyncio.run(_set_readers(connect(url, api_key), target, readers))


async def _set_readers(connection: Connection, target: str, readers: Audience) -> None:
    async with open_client(connection) as client:
        if target.startswith(_DOCUMENT):
            await client.change_document_readers(target, readers)
        else:
            knowledge_base_id = await _knowledge_base_id(client, target)
            before = await client.knowledge_base_access(knowledge_base_id)
            access = replace(before, readers=readers)
            await client.change_knowledge_base_access(knowledge_base_id, access)
    show(plain(f"Readers of {one_line(target)}: {one_line(str(readers))}"))


@group.command("editors")
def set_editors(  # noqa: PLR0913 - the options of a command are its parameters
    target: KnowledgeBaseArgument,
    groups: GroupOption = None,
    principals: PrincipalOption = None,
    everyone: EveryoneOption = False,
    nobody: NobodyOption = False,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Have exactly these of its readers upload and delete in it, if their role lets them."""
    editors = _audience(groups, principals, everyone=everyone, nobody=nobody)
    asyncio.run(_set_editors(connect(url, api_key), target, editors))


async def _set_editors(connection: Connection, target: str, editors: Audience) -> None:
    async with open_client(connection) as client:
        knowledge_base_id = await _knowledge_base_id(client, target)
        before = await client.knowledge_base_access(knowledge_base_id)
        access = replace(before, editors=editors)
        await client.change_knowledge_base_access(knowledge_base_id, access)
    show(plain(f"Editors of {one_line(target)}: {one_line(str(editors))}"))


async def _knowledge_base_id(client: Client, target: str) -> str:
    return (await find_knowledge_base(client, target)).id


def _audience(
    groups: list[str] | None, principals: list[str] | None, *, everyone: bool, nobody: bool
) -> Audience:
    names = bool(groups or principals)
    if [names, everyone, nobody].count(True) != 1:
        raise typer.BadParameter("Say --everyone, --nobody, or who: --group, --principal.")
    return Audience(everyone, tuple(groups or ()), tuple(principals or ()))
