"""`clientsphere upload`: files in, searchable documents out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.file_selection import select_files
from clientsphere_cli.knowledge_base_names import KnowledgeBaseOption, knowledge_base_id
from clientsphere_cli.output.terminal import show, stderr
from clientsphere_cli.output.uploads import UploadProgress, outcome_report
from clientsphere_cli.uploading import Uploads


def upload(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            exists=True,
            readable=True,
            show_default=False,
            help="PDF, DOCX, HTML, Markdown, text or CSV files; folders with everything below.",
        ),
    ],
    knowledge_base: KnowledgeBaseOption = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the documents can be searched.")
    ] = True,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Upload files and wait until they can be searched.

    The same bytes again cost nothing. Exits with 1 when a file was refused or failed.
    """
    paths = select_files(files)
    if not asyncio.run(_upload(connect(url, api_key), paths, knowledge_base, wait=wait)):
        raise typer.Exit(1)


async def _upload(
    connection: Connection, paths: Sequence[Path], knowledge_base: str | None, *, wait: bool
) -> bool:
    """Whether all went well."""
    started = time.monotonic()
    async with open_client(connection) as client:
        into = await knowledge_base_id(client, knowledge_base)
        with UploadProgress(stderr(), len(paths)) as progress:
            outcomes = await Uploads(client, progress).run(paths, into, wait=wait)
    show(outcome_report(outcomes, time.monotonic() - started))
    return not any(outcome.failure for outcome in outcomes)
