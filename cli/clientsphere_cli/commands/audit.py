"""`clientsphere audit`: what happened, and the proof that nobody rewrote it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated

import typer

from clientsphere_cli.client import Client, open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.model.trail import TrailFilters
from clientsphere_cli.output.listings import event_table
from clientsphere_cli.output.quantities import count
from clientsphere_cli.output.terminal import is_wide, plain, show, stdout
from clientsphere_cli.trail_check import check_trail
from clientsphere_common.hash_chain import ChainLink

group = typer.Typer(cls=ListingGroup, help="Read the audit trail and check its hash chain.")


@group.command("events")
def list_events(  # noqa: PLR0913 - the options of a command are its parameters
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0 for all.")] = 20,
    action: Annotated[
        str | None, typer.Option(help="Only this action, such as document.uploaded.")
    ] = None,
    principal: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what this API key or user did.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Only what succeeded, was denied, or failed.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on, as 2026-11-22T09:30:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event whole, as one line of JSON.")
    ] = False,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """The newest audit events, oldest first (this is what a bare `audit` does)."""
    filters = TrailFilters(action, principal, outcome, since, until)
    events = asyncio.run(_events(connect(url, api_key), limit, filters))
    if as_json:
        for link in events:
            typer.echo(json.dumps(dataclasses.asdict(link), ensure_ascii=False))
        return
    show(event_table(events, wide=is_wide(stdout())) if events else plain("No events."))


async def _events(connection: Connection, limit: int, filters: TrailFilters) -> Sequence[ChainLink]:
    async with open_client(connection) as client:
        has_filters = filters != TrailFilters()
        after = await _before_newest(client, limit) if limit and not has_filters else 0
        async with aclosing(client.trail(after, filters)) as events:
            newest = deque[ChainLink](maxlen=limit or None)
            async for link in events:
                newest.append(link)
            return list(newest)


async def _before_newest(client: Client, limit: int) -> int:
    """The sequence after which the newest `limit` events come; they count without gaps."""
    return max(0, (await client.trail_head()).sequence - limit)


@group.command("verify")
def verify(url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """Fetch every event and recompute the hash chain on this machine.

    A head that was noted earlier must still be the hash of its event: note the one printed.
    """
    asyncio.run(_verify(connect(url, api_key)))


async def _verify(connection: Connection) -> None:
    async with open_client(connection) as client:
        head = await check_trail(client)
    events = count(head.sequence, "event")
    show(plain(f"The chain of {events} is unbroken.\nHead: {head.hash or 'none yet'}"))
