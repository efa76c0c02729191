"""`clientsphere ask` and `clientsphere search`: what is in the documents."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.knowledge_base_names import KnowledgeBasesOption, knowledge_base_ids
from clientsphere_cli.output.answers import answer_text, citation_list, passage_list
from clientsphere_cli.output.terminal import plain, reading_width, show, stdout
from clientsphere_cli.output.writing import writing

QuestionArgument = Annotated[str, typer.Argument(help="In plain words.", show_default=False)]


def ask(
    question: QuestionArgument,
    knowledge_base: KnowledgeBasesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Answer a question from the documents, with the passages it rests on.

    When the documents do not say, the answer says so.
    """
    asking = _ask_json if as_json else _ask
    asyncio.run(asking(connect(url, api_key), question, knowledge_base or ()))


async def _ask(connection: Connection, question: str, names: Sequence[str]) -> None:
    async with open_client(connection) as client:
        ids = await knowledge_base_ids(client, names)
        with writing(stdout()) as write:
            answer = await client.ask_streaming(question, ids, on_delta=write)
    parts: list[RenderableType] = [answer_text(answer)]
    if answer.citations:
        parts += [Text(), citation_list(answer.citations)]
    show(Group(*parts), width=reading_width(stdout()))


async def _ask_json(connection: Connection, question: str, names: Sequence[str]) -> None:
    async with open_client(connection) as client:
        answer = await client.ask(question, await knowledge_base_ids(client, names))
    typer.echo(json.dumps(dataclasses.asdict(answer), indent=2, ensure_ascii=False))


def search(
    question: QuestionArgument,
    knowledge_base: KnowledgeBasesOption = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, max=50, help="How many passages at most.")
    ] = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Find the passages that speak about a question, best first."""
    asyncio.run(_search(connect(url, api_key), question, knowledge_base or (), top_k))


async def _search(
    connection: Connection, question: str, names: Sequence[str], top_k: int | None
) -> None:
    async with open_client(connection) as client:
        ids = await knowledge_base_ids(client, names)
        passages = await client.search(question, ids, top_k)
    found = passage_list(passages) if passages else plain("No passage was found.")
    show(found, width=reading_width(stdout()))
